using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>batch_normalization(x, s, b, m, v) → x · a + (b - m · a) with a = s / √(v + ε), for constants.</summary>
public static class BatchNormalizationForm
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: BatchNormalization normalization, Inputs: [var x, { Constant: { } s }, { Constant: { } b }, var mean, var variance] }) return null;
        if (mean.Constant is not { } m || variance.Constant is not { } v) return null;
        ElementType element = x.Type.Element;
        // Of 16-bit floats the factors would be rounded to 11 bits before they are used.
        if (element is not (ElementType.Float32 or ElementType.Float64)) return null;
        double[] factor = new double[s.Count], offset = new double[s.Count];
        for (int c = 0; c < factor.Length; c++)
        {
            factor[c] = s.GetDouble(c) / Math.Sqrt(v.GetDouble(c) + normalization.Epsilon);
            offset[c] = b.GetDouble(c) - (m.GetDouble(c) * factor[c]);
            if (!double.IsFinite(factor[c]) || !double.IsFinite(offset[c])) return null;
        }

        // One number per index of axis 1; a vector has a single channel.
        long[] dims = x.Type.Rank == 1 ? [1] : [factor.Length, .. Enumerable.Repeat(1L, x.Type.Rank - 2)];
        return g.Add(new Add(), g.Add(new Mul(), x, g.Numbers(element, factor, dims)), g.Numbers(element, offset, dims));
    }
}
