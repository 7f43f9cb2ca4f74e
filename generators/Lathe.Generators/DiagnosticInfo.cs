using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Lathe.Generators;

/// <summary>A diagnostic about a manifest as a value; equal ones are not reported anew.</summary>
/// <param name="Descriptor">Its kind.</param>
/// <param name="Path">The manifest's file.</param>
/// <param name="Position">Where in it, counted from zero.</param>
/// <param name="Arguments">What the message speaks of.</param>
internal sealed record DiagnosticInfo(DiagnosticDescriptor Descriptor, string Path, LinePosition Position, EquatableArray<string> Arguments)
{
    /// <summary>Makes the diagnostic.</summary>
    public Diagnostic ToDiagnostic() => Diagnostic.Create(
        Descriptor, Location.Create(Path, default, new LinePositionSpan(Position, Position)), [.. Arguments]);
}
