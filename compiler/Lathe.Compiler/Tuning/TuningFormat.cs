using System.Globalization;
using System.Text;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tuning;

/// <summary>
/// The text of tuning records: a line with the version, <c>cpu NAME</c>, <c>threads N</c>, then a line for each entry. Empty lines and such that begin with '#' mean
/// nothing. The same record gives the same text.
/// </summary>
public static class TuningFormat
{
    private const string Version = "lathe-tuning 1", Cpu = "cpu ", Threads = "threads ";

    /// <summary>The text of a record.</summary>
    public static string Write(TuningRecord record)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{Version}\n{Cpu}{record.Cpu}\n{Threads}{record.Threads}\n\n");
        text.Append("# ISA SIGNATURE CHOICE:MICROSECONDS... The first choice is taken; * marks the cost model's.\n");
        foreach (TuningEntry entry in record.Entries)
        {
            text.Append(CultureInfo.InvariantCulture, $"{entry.Isa.Name()} {entry.Signature}");
            foreach (TuningFigure figure in entry.Figures)
                text.Append(CultureInfo.InvariantCulture, $" {(figure.IsDefault ? "*" : "")}{figure.Choice}:{figure.Microseconds:0.###}");
            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Reads a record.</summary>
    /// <exception cref="DiagnosticException">It is malformed; the message has the line.</exception>
    public static TuningRecord Parse(string text)
    {
        string[] lines = text.Split('\n');
        string Header(int at, string prefix) =>
            at < lines.Length && lines[at].TrimEnd('\r') is var line && line.StartsWith(prefix, StringComparison.Ordinal) && line.Length > prefix.Length
                ? line[prefix.Length..]
                : throw Malformed(at, $"'{prefix}' and a value are expected");

        if (lines[0].TrimEnd('\r') != Version) throw Malformed(0, $"'{Version}' is expected");
        string cpu = Header(1, Cpu);
        if (!int.TryParse(Header(2, Threads), NumberStyles.None, CultureInfo.InvariantCulture, out int threads) || threads < 1) throw Malformed(2, "a number of threads is expected");
        Dictionary<(Isa, string), TuningEntry> entries = [];
        for (int i = 3; i < lines.Length; i++)
        {
            string[] words = lines[i].Split((char[])[' ', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0].StartsWith('#')) continue;
            if (words.Length < 3) throw Malformed(i, "an entry is an instruction set, a signature and choices with their figures");
            if (!Isas.TryParse(words[0], out Isa isa)) throw Malformed(i, $"'{words[0]}' is no instruction set");
            TuningEntry entry = new(isa, words[1], [.. words.Skip(2).Select(word => Figure(i, word))]);
            if (!entries.TryAdd((isa, entry.Signature), entry)) throw Malformed(i, $"{words[0]} {entry.Signature} has an entry already");
        }

        return new TuningRecord(cpu, threads, entries.Values);
    }

    private static TuningFigure Figure(int line, string word)
    {
        bool isDefault = word[0] == '*';
        int colon = word.LastIndexOf(':');
        return colon > (isDefault ? 1 : 0) && double.TryParse(word.AsSpan(colon + 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double us) && double.IsFinite(us)
            ? new TuningFigure(word[(isDefault ? 1 : 0)..colon], us, isDefault)
            : throw Malformed(line, $"'{word}' is no choice with its microseconds");
    }

    private static DiagnosticException Malformed(int line, string expected) =>
        new(new Diagnostic(DiagnosticTable.BadTuningRecord, null, (line + 1).ToString(CultureInfo.InvariantCulture), expected));
}
