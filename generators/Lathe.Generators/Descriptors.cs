using Microsoft.CodeAnalysis;

namespace Lathe.Generators;

/// <summary>Every diagnostic of the generator and the analyzers. Numbers are never used again; <c>docs/diagnostics</c> has a row for each.</summary>
internal static class Descriptors
{
    private const string Build = "Lathe.Build";
    private const string Usage = "Lathe.Usage";

    /// <summary>The text is no manifest.</summary>
    public static readonly DiagnosticDescriptor MalformedManifest = new(
        "LATHE0901",
        "The manifest is malformed",
        "The manifest is malformed: {0}",
        Build,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    /// <summary>The manifest was written by another version of Lathe.</summary>
    public static readonly DiagnosticDescriptor OtherSchema = new(
        "LATHE0902",
        "The manifest is of another version",
        "The manifest has schema {0}, this version of Lathe reads schema {1}: rebuild the model",
        Build,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    /// <summary>Two manifests name one class.</summary>
    public static readonly DiagnosticDescriptor DuplicateClass = new(
        "LATHE0903",
        "Two models have one class",
        "Two models have the class '{0}': give one of them another name with the Class metadata of its OnnxModel item",
        Build,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    /// <summary>A local request is created and never disposed.</summary>
    public static readonly DiagnosticDescriptor UndisposedRequest = new(
        "LATHE0911",
        "A request is not disposed",
        "'{0}' holds native memory and is never disposed: declare it with using",
        Usage,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true);

    /// <summary>An array of a known length is copied into an input of another length.</summary>
    public static readonly DiagnosticDescriptor WrongLength = new(
        "LATHE0912",
        "An input is given another number of elements than it has",
        "{0} elements are copied into '{1}', which has {2}",
        Usage,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true);

    /// <summary>A request is captured by work that runs several times at once.</summary>
    public static readonly DiagnosticDescriptor SharedRequest = new(
        "LATHE0913",
        "One request is used by several threads",
        "'{0}' is used by several threads at once, but a request is for one inference at a time: create or rent one for each",
        Usage,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true);
}
