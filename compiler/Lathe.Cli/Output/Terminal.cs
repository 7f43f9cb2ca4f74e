using System.Globalization;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli.Output;

/// <summary>
/// Where a command writes: results to the output, diagnostics, notes and progress to the error writer. Progress bars only on a terminal.
/// </summary>
internal sealed class Terminal(TextWriter output, TextWriter error)
{
    /// <summary>Results are one line of JSON.</summary>
    public bool Json { get; init; }

    /// <summary>Notes are written.</summary>
    public bool Verbose { get; init; }

    /// <summary>Where results go.</summary>
    public TextWriter Output { get; } = output;

    /// <summary>Where all else goes.</summary>
    public TextWriter Error { get; } = error;

    /// <summary>True where progress can be drawn.</summary>
    public bool IsInteractive => ReferenceEquals(Error, Console.Error) && !Console.IsErrorRedirected;

    /// <summary>Writes the result: the value as JSON, or what the function writes for people.</summary>
    public void WriteResult<T>(T value, Action<TextWriter> forPeople)
    {
        if (Json) Output.WriteLine(JsonLine.Of(value));
        else forPeople(Output);
        Output.Flush();
    }

    /// <summary>Writes a diagnostic.</summary>
    public void Report(string file, Diagnostic diagnostic) => Error.WriteLine(diagnostic.ToMSBuild(file));

    /// <summary>Writes diagnostics as errors that ended the command, in the form of JSON too where that was asked for.</summary>
    public void ReportFailure(string file, IReadOnlyList<Diagnostic> diagnostics)
    {
        foreach (Diagnostic diagnostic in diagnostics) Report(file, diagnostic);
        if (Json)
        {
            Output.WriteLine(JsonLine.Of(new Failure([.. diagnostics.Where(d => d.Descriptor.Severity == Severity.Error).Select(Message.Of)])));
            Output.Flush();
        }
    }

    /// <summary>Writes what is being done, where the user wants to know.</summary>
    public void Note(string text)
    {
        if (Verbose) Error.WriteLine(text);
    }

    /// <summary>Does work of an unknown length, with a progress bar once it takes longer than a second.</summary>
    public T Work<T>(string title, Func<IProgress<(string Stage, double Share)>, T> work) => ProgressBar.Around(this, title, work);

    /// <summary>A text without control characters.</summary>
    public static string Clean(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    /// <summary>A number for people: three significant digits, no exponent for everyday sizes.</summary>
    public static string Number(double value) =>
        Math.Abs(value) is >= 100 and < 1e12 ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString("G3", CultureInfo.InvariantCulture);

    /// <summary>A number of bytes for people.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        < 1 << 10 => $"{bytes} B",
        < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:F1} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:F1} MiB"),
    };
}
