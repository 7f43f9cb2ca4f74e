using System.Globalization;
using System.Text.RegularExpressions;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Conformance;

/// <summary>
/// Which cases are expected not to pass, as a text file says it: on each line a regular expression that the whole <c>&lt;kind&gt;/&lt;case&gt;</c>
/// matches, a target, and after # the reason. A target is an instruction set of the CPU, gpu, or *, then possibly /optimized or /unoptimized. Empty lines and those that
/// begin with # are passed over.
/// </summary>
internal sealed partial class ExpectedFailures
{
    /// <summary>The target of OpenCL devices.</summary>
    public const string Gpu = "gpu";

    private readonly IReadOnlyList<Entry> _entries;

    private ExpectedFailures(IReadOnlyList<Entry> entries) => _entries = entries;

    /// <summary>Reads what a file says about one target.</summary>
    /// <param name="path">The file.</param>
    /// <param name="target">What runs: the name of an instruction set, or <see cref="Gpu"/>.</param>
    /// <param name="optimized">Whether all passes run.</param>
    /// <exception cref="FailedException">The file cannot be read, or a line is none of the above.</exception>
    public static ExpectedFailures Read(string path, string target, bool optimized)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new FailedException(path, DiagnosticTable.FileNotReadable, failure.Message);
        }

        string level = optimized ? "optimized" : "unoptimized";
        List<Entry> entries = [];
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Trim() is "" or ['#', ..]) continue;
            if (Line().Match(lines[i]) is not { Success: true } line) throw Bad(i, "it is not REGEX TARGET # REASON");
            string named = line.Groups["isa"].Value;
            if (named is not ("*" or Gpu) && !Isas.TryParse(named, out _)) throw Bad(i, $"'{named}' is no instruction set, and not {Gpu}");
            if (named != "*" && named != target) continue;
            if (line.Groups["level"] is { Success: true, Value: var other } && other != level) continue;
            entries.Add(new Entry(Pattern(line.Groups["regex"].Value, i), line.Groups["reason"].Value));
        }

        return new ExpectedFailures(entries);

        Regex Pattern(string text, int line)
        {
            try
            {
                return new Regex($"^(?:{text})$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
            }
            catch (ArgumentException wrong)
            {
                throw Bad(line, wrong.Message);
            }
        }

        FailedException Bad(int line, string reason) => new(path, DiagnosticTable.BadExpectedFailures, (line + 1).ToString(CultureInfo.InvariantCulture), reason);
    }

    /// <summary>What is unexpected about a result, or null.</summary>
    public Diagnostic? Judge(CaseResult result)
    {
        bool passed = result.Status == CaseResult.Passed;
        Entry? entry = _entries.FirstOrDefault(one => one.Cases.IsMatch(result.Name));
        return passed == entry is null ? null
            : passed ? new Diagnostic(DiagnosticTable.UnexpectedPass, null, result.Name, entry!.Reason)
            : new Diagnostic(DiagnosticTable.UnexpectedFailure, null, result.Name, result.Status, result.Reason ?? "");
    }

    [GeneratedRegex(@"^\s*(?<regex>\S+)\s+(?<isa>[^\s/#]+)(/(?<level>optimized|unoptimized))?\s+#\s*(?<reason>\S.*?)\s*$")]
    private static partial Regex Line();

    private sealed record Entry(Regex Cases, string Reason);
}
