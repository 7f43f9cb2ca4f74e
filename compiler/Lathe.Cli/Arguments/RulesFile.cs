using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli.Arguments;

/// <summary>Reads rules about the precision of nodes.</summary>
internal static class RulesFile
{
    /// <summary>More than any model has rules: what is larger is another file, or none that ends.</summary>
    private const int MostBytes = 4 << 20;

    /// <summary>The rules in a file.</summary>
    /// <exception cref="FailedException">It cannot be read, or is malformed.</exception>
    public static IReadOnlyList<NodeRule> Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] bytes = new byte[MostBytes + 1];
            int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count > MostBytes) throw new IOException($"the file is larger than {MostBytes >> 20} MiB");
            using StreamReader text = new(new MemoryStream(bytes, 0, count));
            return NodePrecisions.Parse(text.ReadToEnd());
        }
        catch (DiagnosticException malformed)
        {
            throw new FailedException(path, [malformed.Diagnostic]);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FailedException(path, DiagnosticTable.BadOption, NodePrecisions.Option, failure.Message);
        }
    }
}
