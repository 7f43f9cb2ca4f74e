using System.Text;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli.Arguments;

/// <summary>The names of an output's classes, one a line, as <c>--labels</c> gives them.</summary>
/// <param name="Output">The output's name; empty for the only one.</param>
/// <param name="Path">The file, UTF-8.</param>
internal sealed record LabelsFile(string Output, string Path)
{
    /// <summary>More than any list of classes has: what is larger is another file.</summary>
    private const int MostBytes = 4 << 20;

    /// <summary>Reads <c>[NAME=]FILE</c>. The last equals sign ends the name, since names of outputs may have some.</summary>
    /// <exception cref="FormatException">There is no file.</exception>
    public static LabelsFile Parse(string text)
    {
        int at = text.LastIndexOf('=');
        return at == text.Length - 1 ? throw new FormatException($"'{text}' is not [NAME=]FILE") : new LabelsFile(at < 0 ? "" : text[..at], text[(at + 1)..]);
    }

    /// <summary>The labels. Empty lines at the end are none.</summary>
    /// <exception cref="FailedException">The file cannot be read, or has none.</exception>
    public IReadOnlyList<string> Read()
    {
        try
        {
            if (new FileInfo(Path).Length > MostBytes) throw new IOException($"the file is larger than {MostBytes >> 20} MiB");
            string[] labels = [.. File.ReadAllText(Path, new UTF8Encoding(false, throwOnInvalidBytes: true)).TrimEnd().Split('\n').Select(line => line.TrimEnd('\r'))];
            return labels is [""] ? throw new IOException("the file has no labels") : labels;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FailedException(Path, DiagnosticTable.BadOption, "--labels", failure.Message);
        }
    }
}
