using Lathe.Compiler.Diagnostics;

namespace Lathe.Compiler.Operators;

/// <summary>Shapes depend on the elements of an input that are not known when the model is compiled.</summary>
/// <param name="diagnostic">What to tell the user where they cannot be measured when it runs.</param>
/// <param name="input">The input's number.</param>
internal sealed class UnknownElementsException(Diagnostic diagnostic, int input) : DiagnosticException(diagnostic)
{
    /// <summary>The input's number.</summary>
    public int Input { get; } = input;
}
