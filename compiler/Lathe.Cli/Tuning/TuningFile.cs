using Lathe.Cli.Arguments;
using Lathe.Compiler.Tuning;

namespace Lathe.Cli.Tuning;

/// <summary>Reads tuning records.</summary>
internal static class TuningFile
{
    /// <summary>The record in a file.</summary>
    /// <exception cref="FailedException">It cannot be read, or is malformed.</exception>
    public static TuningRecord Read(string path) => OptionFile.Read("--tuning", path, TuningFormat.Parse);
}
