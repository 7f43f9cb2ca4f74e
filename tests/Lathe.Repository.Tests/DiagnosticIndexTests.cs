using System.Text.RegularExpressions;

namespace Lathe.Repository.Tests;

/// <summary><c>docs/diagnostics/README.md</c> has a row for each id that the sources know, and no other.</summary>
public sealed partial class DiagnosticIndexTests
{
    private static readonly string Index = File.ReadAllText(Path.Combine(Places.Root, "docs", "diagnostics", "README.md"));

    [Test]
    public void Index_HasARowForEachId_InOrder()
    {
        string[] rows = [.. Row().Matches(Index).Select(row => row.Groups["id"].Value)];
        Assert.That(rows, Is.Ordered.And.Unique);
        Assert.That(rows, Is.EquivalentTo(IdsOfSources()));
    }

    [Test]
    public void Index_SaysWhichAreWarnings()
    {
        string[] warnings = [.. Row().Matches(Index).Where(row => row.Groups["kind"].Value == "warning").Select(row => row.Groups["id"].Value)];
        IEnumerable<string> declared = SourceFiles().SelectMany(file => Warning().Matches(File.ReadAllText(file))).Select(match => match.Groups["id"].Value);
        Assert.That(warnings, Is.EquivalentTo(declared.Distinct()));
    }

    [Test]
    public void Ids_AreDeclaredOnce() => Assert.That(
        Sources.Product.SelectMany(folder => Sources.Files(folder, "*.cs")).SelectMany(file => Literal().Matches(File.ReadAllText(file))).Select(match => match.Groups["id"].Value),
        Is.Unique);

    [Test]
    public void Releases_OfTheAnalyzers_AreInTheIndex()
    {
        string releases = File.ReadAllText(Path.Combine(Places.Root, "generators", "Lathe.Generators", "AnalyzerReleases.Unshipped.md"))
            + File.ReadAllText(Path.Combine(Places.Root, "generators", "Lathe.Generators", "AnalyzerReleases.Shipped.md"));
        Assert.That(Id().Matches(releases).Select(match => match.Value), Is.EquivalentTo(IdsOfSources().Where(id => id.StartsWith("LATHE09", StringComparison.Ordinal))));
    }

    private static IEnumerable<string> IdsOfSources() => SourceFiles()
        .SelectMany(file => Literal().Matches(File.ReadAllText(file)))
        .Select(match => match.Groups["id"].Value)
        .Distinct();

    private static IEnumerable<string> SourceFiles() =>
        Sources.Product.SelectMany(folder => Sources.Files(folder, "*.cs").Concat(Sources.Files(folder, "*.targets")));

    [GeneratedRegex(@"^\| (?<id>LATHE\d{4}) \| (?<kind>error|warning) \| .+ \| .* ?\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"""(?<id>LATHE\d{4})""")]
    private static partial Regex Literal();

    [GeneratedRegex(@"LATHE\d{4}")]
    private static partial Regex Id();

    // The forms of the compiler's table, of the build's, of a target and of an analyzer's descriptor.
    [GeneratedRegex(@"""(?<id>LATHE\d{4})"",\s*(?:Severity\.Warning|false|""[^""]*"",\s*""[^""]*"",\s*\w+,\s*DiagnosticSeverity\.Warning)|<Warning\b[^>]*Code=""(?<id>LATHE\d{4})""")]
    private static partial Regex Warning();
}
