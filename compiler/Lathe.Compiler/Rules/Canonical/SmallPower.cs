using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Rules.Canonical;

/// <summary>x² → x · x and x³ → x · x · x, for floats; one more rounding at most than a power has.</summary>
public static class SmallPower
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Pow, Inputs: [var x, var exponent] } || !x.HasTypeOf(node)) return null;
        return Patterns.Splat(exponent) switch
        {
            2 => g.Add(new Mul(), x, x),
            3 => g.Add(new Mul(), g.Add(new Mul(), x, x), x),
            _ => null,
        };
    }
}
