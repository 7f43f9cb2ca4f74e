using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Rules.Canonical;

/// <summary>x² → x · x for floats.</summary>
public static class PowerTwo
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g) =>
        node is { Op: Pow, Inputs: [var x, var exponent] } && Patterns.Splat(exponent) == 2 && x.HasTypeOf(node) ? g.Add(new Mul(), x, x) : null;
}
