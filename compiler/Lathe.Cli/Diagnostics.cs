using Lathe.Compiler.Diagnostics;
using Lathe.Runtime;

namespace Lathe.Cli;

/// <summary>What the runtime says, in the form of the compiler's diagnostics.</summary>
internal static class Diagnostics
{
    /// <summary>A failure of the runtime, which has ids of its own.</summary>
    public static Diagnostic Of(LatheException failure) => new(new DiagnosticDescriptor(failure.Id, Severity.Error, "{0}"), null, failure.Message);

    /// <summary>True for diagnostics that say that Lathe lacks something, as against those that say that the model is wrong.</summary>
    public static bool IsUnsupported(string id) => UnsupportedIds.Contains(id);

    private static readonly HashSet<string> UnsupportedIds =
    [
        DiagnosticTable.UnsupportedOperator.Id,
        DiagnosticTable.UnsupportedType.Id,
        DiagnosticTable.UnsupportedOpset.Id,
        DiagnosticTable.DataDependentShape.Id,
        DiagnosticTable.NotLowered.Id,
        DiagnosticTable.NotOnDevice.Id,
    ];
}
