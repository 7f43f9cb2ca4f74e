using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Tuning;

namespace Lathe.Cli.Tuning;

/// <summary>Reads tuning records.</summary>
internal static class TuningFile
{
    /// <summary>The record in a file.</summary>
    /// <exception cref="FailedException">It cannot be read, or is malformed.</exception>
    public static TuningRecord Read(string path)
    {
        try
        {
            return TuningFormat.Parse(File.ReadAllText(path));
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
