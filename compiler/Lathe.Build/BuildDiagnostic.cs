using Microsoft.Build.Utilities;

namespace Lathe.Build;

/// <summary>Every diagnostic of the build. Numbers are never used again; <c>docs/diagnostics</c> has a row for each.</summary>
/// <param name="Id">The id.</param>
/// <param name="IsError">False for a warning.</param>
/// <param name="Format">The message, with {0}, {1}, … for its arguments.</param>
internal sealed record BuildDiagnostic(string Id, bool IsError, string Format)
{
    /// <summary>An <c>OnnxModel</c> item names a file that is not there.</summary>
    public static readonly BuildDiagnostic FileNotFound = new("LATHE0401", true, "the model '{0}' does not exist");

    /// <summary>The compiler cannot run on the .NET runtimes of this machine.</summary>
    public static readonly BuildDiagnostic NoRuntime = new(
        "LATHE0402",
        true,
        "Lathe's compiler needs the .NET 10 runtime, and '{0}' has {1}: install the .NET 10 SDK or runtime there, or set the property LatheDotNetHost to the dotnet of another installation. The project itself may target net8.0 or net9.0");

    /// <summary>Two <c>OnnxModel</c> items give one class.</summary>
    public static readonly BuildDiagnostic DuplicateClass = new(
        "LATHE0403", true, "the models '{0}' and '{1}' both give the class '{2}': set the Class metadata of one of them");

    /// <summary>The <c>Class</c> of an <c>OnnxModel</c> item can be no class.</summary>
    public static readonly BuildDiagnostic BadClass = new(
        "LATHE0404", true, "Class=\"{0}\" is no name that the class of a model can have: write identifiers joined with dots, the last of them no member of that class, such as MyApp.SqueezeNet");

    /// <summary>An <c>OnnxModel</c> item has metadata that means nothing.</summary>
    public static readonly BuildDiagnostic UnknownMetadata = new("LATHE0405", false, "the metadata '{0}' means nothing to Lathe{1}");

    /// <summary>The compiler ended without saying why.</summary>
    public static readonly BuildDiagnostic CompilerFailed = new(
        "LATHE0406", true, "the compiler ended with exit code {0} and without a message; the command was: {1}");

    /// <summary>Files of the build cannot be read or written.</summary>
    public static readonly BuildDiagnostic FilesNotUsable = new("LATHE0407", true, "{0}");

    /// <summary>Reports it.</summary>
    /// <param name="log">Where to.</param>
    /// <param name="file">The file it is about.</param>
    /// <param name="arguments">What the message speaks of.</param>
    public void Report(TaskLoggingHelper log, string file, params object[] arguments)
    {
        string message = string.Format(System.Globalization.CultureInfo.InvariantCulture, Format, arguments);
        if (IsError) log.LogError(null, Id, null, file, 0, 0, 0, 0, "{0}", message);
        else log.LogWarning(null, Id, null, file, 0, 0, 0, 0, "{0}", message);
    }
}
