using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli;

/// <summary>Ends a command with diagnostics: exit code 1. At least one of them is an error.</summary>
internal sealed class FailedException(string file, IReadOnlyList<Diagnostic> diagnostics) : Exception(diagnostics[0].Message)
{
    public FailedException(string file, DiagnosticDescriptor descriptor, params string[] arguments)
        : this(file, [new Diagnostic(descriptor, null, arguments)])
    {
    }

    /// <summary>The file that the diagnostics are about, in front of each.</summary>
    public string File { get; } = file;

    /// <summary>What to tell the user, in order.</summary>
    public IReadOnlyList<Diagnostic> Diagnostics { get; } = diagnostics;
}
