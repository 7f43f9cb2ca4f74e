using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Lathe.Repository.Tests;

/// <summary>The projects and the arrows between them.</summary>
public sealed partial class ProjectTests
{
    /// <summary>What each project of the product may refer to.</summary>
    private static readonly Dictionary<string, string[]> Uses = new()
    {
        ["Lathe.Runtime"] = [],
        ["Lathe.Runtime.OpenCl"] = ["Lathe.Runtime"],
        ["Lathe.Runtime.Simulation"] = ["Lathe.Runtime"],
        ["Lathe.Runner"] = ["Lathe.Runtime", "Lathe.Runtime.OpenCl", "Lathe.Runtime.Simulation"],
        ["Lathe.Kernels"] = ["Lathe.Runtime"],
        ["Lathe.Kernels.Llvm"] = ["Lathe.Kernels", "Lathe.Runtime"],
        // What a kernel assembly for a device refers to is a resource of the compiler, which calls none of it.
        ["Lathe.Compiler"] = ["Lathe.Kernels", "Lathe.Kernels.Llvm", "Lathe.Runtime", "Lathe.Runtime.OpenCl", "Lathe.Runtime.Simulation"],
        ["Lathe.Cli"] = ["Lathe.Compiler", "Lathe.Kernels", "Lathe.Kernels.Llvm", "Lathe.Runtime", "Lathe.Runner"],
        ["Lathe.Build"] = [],
        ["Lathe.Generators"] = [],
    };

    [Test]
    public void Product_IsTheProjectsOfTheMap() => Assert.That(Projects().Keys, Is.EquivalentTo(Uses.Keys));

    [TestCaseSource(nameof(Names))]
    public void Project_RefersOnlyToWhatIsBelowIt(string name) =>
        Assert.That(References(Projects()[name], "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)), Is.SubsetOf(Uses[name]));

    [TestCase("Lathe.Runtime")]
    [TestCase("Lathe.Runtime.OpenCl")]
    [TestCase("Lathe.Runtime.Simulation")]
    public void Runtime_HasNoPackages(string name) => Assert.That(References(Projects()[name], "PackageReference"), Is.Empty);

    [Test]
    public void Solution_HasEveryProjectButTheSamples()
    {
        string solution = File.ReadAllText(Path.Combine(Places.Root, "Compiler.sln"));
        Assert.That(
            Project().Matches(solution).Select(match => match.Groups["path"].Value.Replace('\\', '/')),
            Is.EquivalentTo(Sources.Product.Append("tests").SelectMany(folder => Sources.Files(folder, "*.csproj")).Select(path => Path.GetRelativePath(Places.Root, path).Replace('\\', '/'))));
    }

    private static IEnumerable<string> Names() => Uses.Keys;

    private static Dictionary<string, string> Projects() =>
        Sources.Product.SelectMany(folder => Sources.Files(folder, "*.csproj")).ToDictionary(path => Path.GetFileNameWithoutExtension(path));

    private static IEnumerable<string> References(string project, string kind) =>
        XDocument.Load(project).Descendants(kind).Select(reference => ((string)reference.Attribute("Include")!).Replace('\\', '/'));

    [GeneratedRegex(@"= ""[^""]+"", ""(?<path>[^""]+\.csproj)""")]
    private static partial Regex Project();
}
