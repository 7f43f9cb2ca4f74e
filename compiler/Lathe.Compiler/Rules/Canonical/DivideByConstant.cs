using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Canonical;

/// <summary>
/// x / c → x · (1/c) where every 1/c is exact, that is for powers of two. Other divisions stay: their results would differ in the last bit.
/// </summary>
public static class DivideByConstant
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Div, Inputs: [var x, { Constant: { } c }] } || !c.Element.IsFloat()) return null;
        for (int i = 0; i < c.Count; i++)
        {
            double value = c.GetDouble(i);
            // Far from the ends of every float type, so that the reciprocal is a normal number in it.
            if (Math.Abs(value) is < 1.0 / 4096 or > 4096 || !double.IsPow2(Math.Abs(value))) return null;
        }

        return g.Add(new Mul(), x, g.Map(c, v => 1 / v));
    }
}
