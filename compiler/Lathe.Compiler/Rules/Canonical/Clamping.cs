using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Canonical;

/// <summary>
/// What bounds a value, as one clip: max(x, low) and min(x, high) with constants, relu of a clip, clip of a relu or clip; and clip(x, 0, ∞) → relu(x).
/// Only for floats, and where low ≤ high.
/// </summary>
public static class Clamping
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (!node.OutputTypes[0].Element.IsFloat() || BoundsOf(node) is not var (inner, low, high)) return null;

        // The bounds of a clamp in a clamp: the inner one's, clamped by the outer one's.
        if (g.IsReadOnce(inner) && BoundsOf(inner.Node) is var (x, innerLow, innerHigh))
        {
            low = Math.Clamp(innerLow, low, high);
            high = Math.Clamp(innerHigh, (double)low, high);
            inner = x;
        }

        bool isRelu = low == 0 && high == double.PositiveInfinity;
        if (isRelu) return node.Op is Relu && node.Inputs[0] == inner ? null : g.Add(new Relu(), inner);
        if (node is { Op: Clip } && node.Inputs[0] == inner) return null;
        return g.Add(new Clip(), inner, Bound(low), Bound(high));

        Value Bound(double bound) => double.IsInfinity(bound) ? Value.None : g.Numbers(inner.Type.Element, [bound]);
    }

    private static (Value X, double Low, double High)? BoundsOf(Node node)
    {
        double low = double.NegativeInfinity, high = double.PositiveInfinity;
        switch (node)
        {
            case { Op: Relu, Inputs: [var x] }:
                return (x, 0, high);
            case { Op: Max or Min, Inputs: [_, _] }:
                if (Patterns.WithConstant(node) is not var (y, constant) || !y.HasTypeOf(node)) return null;
                if (Patterns.Splat(constant) is not { } bound || double.IsNaN(bound)) return null;
                return node.Op is Max ? (y, bound, high) : (y, low, bound);
            case { Op: Clip, Inputs: [var x, .. var bounds] }:
                for (int i = 0; i < bounds.Length; i++)
                {
                    if (bounds[i].IsNone) continue;
                    if (Patterns.Splat(bounds[i]) is not { } limit || double.IsNaN(limit)) return null;
                    if (i == 0) low = limit;
                    else high = limit;
                }

                return low <= high ? (x, low, high) : null;
            default:
                return null;
        }
    }
}
