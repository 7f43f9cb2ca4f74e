using System.Globalization;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli.Accuracy;

/// <summary>The right class of each item, in the order of the samples: a text file with one number a line, or a .bin with one byte each.</summary>
internal static class ClassLabels
{
    /// <summary>Reads them.</summary>
    /// <exception cref="FailedException">The file cannot be read, or has something else.</exception>
    public static IReadOnlyList<int> Read(string path)
    {
        try
        {
            if (Path.GetExtension(path).Equals(".bin", StringComparison.OrdinalIgnoreCase)) return [.. File.ReadAllBytes(path).Select(b => (int)b)];
            return
            [
                .. File.ReadLines(path).Where(line => line.Trim().Length > 0).Select((line, i) => int.TryParse(line.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int label)
                    ? label
                    : throw new FailedException(path, DiagnosticTable.BadOption, "--labels", $"line {i + 1} is no number of a class")),
            ];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FailedException(path, DiagnosticTable.BadOption, "--labels", failure.Message);
        }
    }
}
