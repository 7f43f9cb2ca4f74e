using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>quantise(clip(x)) → quantise(x) where what the bounds cut off is quantised to the least or the greatest number anyway.</summary>
public static class QuantizeOfClamped
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node.Op is not QuantizeLinear { Precision: ElementType.Float32 } || node.Inputs[1].Constant is not { Count: 1 } scale) return null;
        Value zero = node.Inputs.Length > 2 ? node.Inputs[2] : Value.None;
        if (!zero.IsNone && zero.Constant is not { Count: 1 }) return null;
        long z = zero.IsNone ? 0 : zero.Constant!.GetInt64(0);
        (double? low, double? high) = node.Inputs[0].Node switch
        {
            { Op: Relu } => (0, null),
            { Op: Clip } clip => (Bound(clip, 1), Bound(clip, 2)),
            _ => ((double?)double.NaN, (double?)double.NaN),
        };
        // A NaN is no bound that anything lies beyond.
        bool isBelow = low is null || Math.Round(low.Value / scale.GetDouble(0)) + z <= Elements.Lowest(node.OutputTypes[0].Element).Integer;
        bool isAbove = high is null || Math.Round(high.Value / scale.GetDouble(0)) + z >= Elements.Highest(node.OutputTypes[0].Element).Integer;
        return isBelow && isAbove ? g.Add(node.Op, [node.Inputs[0].Node.Inputs[0], .. node.Inputs.Skip(1)]) : null;
    }

    private static double? Bound(Node clip, int input) =>
        clip.Inputs.Length <= input || clip.Inputs[input].IsNone ? null : clip.Inputs[input].Constant is { Count: 1 } bound ? bound.GetDouble(0) : double.NaN;
}
