using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>
/// conv(dequantise(x), dequantise(w), b) → float(convInteger(x, w)) · scale + b, and the same for matrix products: sums of integers are exact and several times as fast.
/// A bias that counts in steps of the product's scale is summed with them.
/// </summary>
public static class ContractionOfDequantized
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g) => node.Op switch
    {
        Conv conv when node.Inputs.Length < 4 || node.Inputs[3].IsNone => OfConv(node, conv, g),
        MatMul => OfProduct(node, node.Inputs[0], node.Inputs[1], isTransposed: false, Value.None, g),
        Gemm { Alpha: 1, Beta: 1, TransA: false } gemm => OfProduct(node, node.Inputs[0], node.Inputs[1], gemm.TransB, node.Inputs.ElementAtOrDefault(2), g),
        _ => null,
    };

    private static Value? OfConv(Node node, Conv conv, Rewriting g)
    {
        if (Dequantized.Of(node.Inputs[0]) is not { Scales: [var xScale], Zeros: [var xZero] } x || Dequantized.Of(node.Inputs[1], axis: 0) is not { X.Constant: not null } w) return null;
        long channels = w.X.Type.Dims[0].Value;
        if (!ConvIntegerAsBytes.CanPack(conv, x.X.Type, w.X.Type) || !Fits(x, w, w.X.Constant, (int)channels, i => i / Math.Max(1, w.X.Constant.Count / (int)channels))) return null;
        float[] scales = [.. w.Scales.Select(s => xScale * s)];
        Value bias = node.Inputs.ElementAtOrDefault(2);
        bool hasBias = !bias.IsNone;
        TensorData? steps = hasBias ? Steps(bias, scales, channels) : null;
        ConvInteger sum = new(conv.AutoPad, conv.Dilations, conv.Group, conv.KernelShape, conv.Pads, conv.Strides);
        Value y = g.Add(sum, x.X, w.X, Zero(g, x), Zero(g, w), steps is null ? Value.None : g.Constant(steps));
        long[] perChannel = [scales.Length, .. Enumerable.Repeat(1L, node.OutputTypes[0].Rank - 2)];
        Value scaled = Scaled(g, y, scales, perChannel);
        return hasBias && steps is null ? g.Add(new Add(), scaled, InShape(g, bias, [channels, .. perChannel[1..]])) : scaled;
    }

    private static Value? OfProduct(Node node, Value left, Value right, bool isTransposed, Value bias, Rewriting g)
    {
        if (Dequantized.Of(left) is not { Scales: [var scale] } a || right.Type.Rank != 2) return null;
        if (Dequantized.Of(right, axis: isTransposed ? 0 : 1) is not { X.Constant: { } weights } b) return null;
        TensorData columns = isTransposed ? new Operators.Movement.Transpose([1, 0]).Evaluate([weights], [TensorType.Of(weights.Element, [weights.Dims[1], weights.Dims[0]])])[0] : weights;
        int n = (int)columns.Dims[1];
        if (n == 0 || !Fits(a, b, columns, n, i => i % n)) return null;
        Value sum = g.Add(new MatMulInteger(), a.X, g.Constant(columns), Zero(g, a), Zero(g, b));
        Value scaled = Scaled(g, sum, [.. b.Scales.Select(s => scale * s)], [b.Scales.Length]);
        return bias.IsNone ? scaled : g.Add(new Add(), scaled, bias);
    }

    /// <summary>True if no sum, a bias of a million steps included, can be larger than an int32: floats have no such bound.</summary>
    private static bool Fits(Dequantized x, Dequantized w, TensorData weights, int filters, Func<int, int> filterOf)
    {
        (long low, long high) = x.X.Type.Element == ElementType.UInt8 ? (0L, 255L) : (-128L, 127L);
        long most = Math.Max(high - x.Zeros[0], x.Zeros[0] - low);
        long[] sums = new long[filters];
        for (int i = 0; i < weights.Count; i++)
        {
            int filter = filterOf(i);
            sums[filter] += Math.Abs(weights.GetInt64(i) - w.Zeros[w.Zeros.Length == 1 ? 0 : filter]);
        }

        return sums.All(s => (s * most) + (1 << 20) <= int.MaxValue);
    }

    /// <summary>A bias in steps of the scales; null if it is between them.</summary>
    private static TensorData? Steps(Value bias, float[] scales, long channels)
    {
        double[]? values = bias.Constant is { } known ? known.ToDoubles()
            : Dequantized.Of(bias, axis: 0, isWide: true) is { X.Constant: { } whole, Zeros: var zeros } d && zeros.All(z => z == 0)
                ? [.. Enumerable.Range(0, whole.Count).Select(i => whole.GetInt64(i) * (double)d.Scales[d.Scales.Length == 1 ? 0 : i])]
            : null;
        if (values is null || values.Length != channels) return null;
        int[] steps = new int[channels];
        for (int i = 0; i < steps.Length; i++)
        {
            double step = values[i] / scales[scales.Length == 1 ? 0 : i], nearest = Math.Round(step);
            // Two scales and their product, each rounded to float32, which is 6e-8; beyond a million steps that could be any number.
            if (Math.Abs(nearest) > 1 << 20 || Math.Abs(step - nearest) > (Math.Abs(nearest) * 2e-7) + 1e-3) return null;
            steps[i] = (int)nearest;
        }

        return TensorData.Of<int>(ElementType.Int32, steps, channels);
    }

    private static Value Scaled(Rewriting g, Value sum, float[] scales, long[] dims) => g.Add(
        new Mul(), g.Add(new Cast(ElementType.Float32), sum), g.Constant(TensorData.Of<float>(ElementType.Float32, scales, scales.Length == 1 ? [] : dims)));

    private static Value Zero(Rewriting g, Dequantized quantized)
    {
        if (quantized.Zeros.All(z => z == 0)) return Value.None;
        TensorData zeros = TensorData.Zeros(quantized.X.Type.Element, quantized.Zeros.Length == 1 ? [] : [quantized.Zeros.Length]);
        for (int i = 0; i < zeros.Count; i++) zeros.SetInt64(i, quantized.Zeros[i]);
        return g.Constant(zeros);
    }

    private static Value InShape(Rewriting g, Value bias, long[] dims) => bias.Constant is { } data
        ? g.Constant(data.Reshape(dims))
        : g.Add(new Operators.Movement.Reshape([.. dims.Select(d => (Kernels.Loops.IndexExpr)d)]), bias);
}
