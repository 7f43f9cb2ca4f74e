using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Tuning;

namespace Lathe.Cli.Tuning;

/// <summary>Reads tuning records.</summary>
internal static class TuningFile
{
    /// <summary>More than any record has: what is larger is another file, or none that ends.</summary>
    private const int MostBytes = 4 << 20;

    /// <summary>The record in a file.</summary>
    /// <exception cref="FailedException">It cannot be read, or is malformed.</exception>
    public static TuningRecord Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] bytes = new byte[MostBytes + 1];
            int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count > MostBytes) throw new IOException($"the file is larger than {MostBytes >> 20} MiB");
            using StreamReader text = new(new MemoryStream(bytes, 0, count));
            return TuningFormat.Parse(text.ReadToEnd());
        }
        catch (DiagnosticException malformed)
        {
            throw new FailedException(path, [malformed.Diagnostic]);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FailedException(path, DiagnosticTable.BadOption, "--tuning", failure.Message);
        }
    }
}
