using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>
/// conv_transpose(x, w, b) · c → conv_transpose(x, w · c, b · c), conv_transpose(x, w, b) + c → conv_transpose(x, w, b + c) for one c per filter.
/// </summary>
public static class ConvTransposeForms
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (ChannelArithmetic.Scale(node, _ => 1) is var (product, factor)) return Rewrite(product, factor, new double[factor.Length], g);
        if (ChannelArithmetic.Offset(node, _ => 1) is var (sum, offset)) return Rewrite(sum, [.. offset.Select(_ => 1.0)], offset, g);
        return null;
    }

    private static Value? Rewrite(Value value, double[] factor, double[] offset, Rewriting g)
    {
        if (!g.IsReadOnce(value) || value.Node is not { Op: ConvTranspose conv, Inputs: [var x, { Constant: { } w }, .. var rest] }) return null;
        if (w.Element is not (ElementType.Float32 or ElementType.Float64)) return null;
        double[] bias = offset;
        if (rest is [{ IsNone: false } given, ..])
        {
            if (given.Constant is not { } b) return null;
            bias = [.. b.ToDoubles().Select((v, o) => (v * factor[o]) + offset[o])];
        }

        // Weights are [channels, filters of a group, taps].
        TensorData scaled = TensorData.Zeros(w.Element, w.Dims);
        int perGroup = (int)w.Dims[1], channelsPerGroup = (int)(w.Dims[0] / conv.Group), taps = w.Count == 0 ? 0 : w.Count / (int)(w.Dims[0] * perGroup);
        for (int i = 0; i < w.Count; i++)
        {
            int channel = i / (taps * perGroup), filter = i / taps % perGroup;
            double number = w.GetDouble(i) * factor[(channel / channelsPerGroup * perGroup) + filter];
            scaled.SetDouble(i, number);
            if (!double.IsFinite(scaled.GetDouble(i))) return null;
        }

        bool hasBias = rest.Any(v => !v.IsNone) || bias.Any(b => b != 0);
        return g.Add(conv, x, g.Constant(scaled), hasBias ? g.Numbers(w.Element, bias, bias.Length) : Value.None);
    }
}
