using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli.Arguments;

/// <summary>Reads the files that options name: tuning records, rules, profiles of devices.</summary>
internal static class OptionFile
{
    /// <summary>More than any of them has: what is larger is another file, or none that ends.</summary>
    private const int MostBytes = 4 << 20;

    /// <summary>What is in a file.</summary>
    /// <param name="option">The option that names it, for messages.</param>
    /// <param name="path">The file.</param>
    /// <param name="parse">Makes something of its text.</param>
    /// <exception cref="FailedException">It cannot be read, or is malformed.</exception>
    public static T Read<T>(string option, string path, Func<string, T> parse)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] bytes = new byte[MostBytes + 1];
            int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count > MostBytes) throw new IOException($"the file is larger than {MostBytes >> 20} MiB");
            using StreamReader text = new(new MemoryStream(bytes, 0, count));
            return parse(text.ReadToEnd());
        }
        catch (DiagnosticException malformed)
        {
            throw new FailedException(path, [malformed.Diagnostic]);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FailedException(path, DiagnosticTable.BadOption, option, failure.Message);
        }
    }
}
