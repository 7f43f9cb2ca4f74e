using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>
/// convInteger(x, w, zx, zw, b) → convOfBytes(x, w', b', sumOfBytes(x)): Σ (x - zx)(w' - zw') is Σ x·w' - zx Σ w' - zw' Σ x + zx·zw' for each element summed over,
/// of which all but two terms are known. Where w - zw fits a signed byte it is w', and zw' is 0; unsigned weights are otherwise moved by 128. A border holds zx.
/// A depthwise convolution sums few products and takes the distances themselves.
/// </summary>
public static class ConvIntegerAsBytes
{
    /// <summary>True for windows and groups that there are kernels for, or that floats have no better ones for.</summary>
    public static bool CanPack(Conv conv, TensorType x, TensorType w)
    {
        if (conv.Group != 1 && !conv.IsDepthwise(x, w)) return true;
        return x.Dims[1].IsConstant && HasConstantPadding(conv.WindowOf(x, w)) && (conv.Group == 1 || IndexExpr.Product(w.Dims.Skip(2)).Value <= DepthwiseConvOfBytes.MostTaps);
    }

    private static bool HasConstantPadding(Window window) => window.PadLow.Concat(window.PadHigh).All(p => p is { IsConstant: true, Value: >= 0 });

    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: ConvInteger conv, Inputs: [var x, { Constant: { } w } weights, ..] } || !x.Type.Dims[1].IsConstant || w.Count == 0) return null;
        Value xZero = node.Inputs.ElementAtOrDefault(2), wZero = node.Inputs.ElementAtOrDefault(3), bias = node.Inputs.ElementAtOrDefault(4);
        if ((!xZero.IsNone && xZero.Constant is null) || (!wZero.IsNone && wZero.Constant is null) || (!bias.IsNone && bias.Constant is null)) return null;
        Window window = conv.Form.WindowOf(x.Type, weights.Type);
        bool isDepthwise = conv.Form.IsDepthwise(x.Type, weights.Type);
        if (!CanPack(conv.Form, x.Type, weights.Type) || (conv.Group != 1 && !isDepthwise)) return null;
        int filters = (int)w.Dims[0], perFilter = w.Count / filters;
        long zero = xZero.Constant?.GetInt64(0) ?? 0;

        if (x.Type.Element == ElementType.Int8 && (Unsigned.IsQuantized(x) || !isDepthwise)) (x, zero) = (Unsigned.Of(x, g), zero + 128);
        if (isDepthwise)
        {
            (Value image, EquatableArray<long> border) = Padded(g, x, zero, window);
            TensorData? start = bias.Constant is { } b && b.ToInt64s().All(v => Math.Abs(v) <= DepthwiseConvOfBytes.MostBias)
                ? TensorData.OfFloats([.. b.ToInt64s().Select(v => (float)v)], filters) : null;
            Value sums = g.Add(new Cast(ElementType.Int32), g.Add(
                new DepthwiseConvOfBytes(zero, window.Strides, window.Dilations, border), image,
                g.Constant(TensorData.OfFloats([.. Enumerable.Range(0, w.Count).Select(i => (float)(w.GetInt64(i) - ZeroOf(Filter(i))))], w.Dims)), start is null ? Value.None : g.Constant(start)));
            return bias.IsNone || start is not null ? sums : g.Add(new Add(), sums, InShape(g, bias, x.Type.Rank));
        }

        WeightBytes weightBytes = WeightBytes.Of(w, wZero.Constant, filters, Filter);
        int[] starts = weightBytes.Starts(zero, o => bias.Constant?.GetInt64(o) ?? 0, Filter);
        long[] zeros = weightBytes.Zeros;
        (Value padded, EquatableArray<long> pads) = Padded(g, x, zero, window);
        if (w.Dims[1] <= WordsOfBytes.MostChannels) padded = g.Add(new WordsOfBytes(), padded);
        ConvOfBytes products = new(w.Dims[1], window.Strides, window.Dilations, pads);
        Value[] factors = [padded, g.Constant(weightBytes.Words(w.Dims, 1)), g.Constant(TensorData.Of<int>(ElementType.Int32, starts, filters))];
        // One zero point is a factor of every element that is summed; several are multiplied with the sum.
        bool isOne = zeros.All(z => z == zeros[0]);
        if (isOne) return g.Add(products, zeros[0] == 0 ? factors : [.. factors, Sums(zeros[0], SumOfBytes.PartsOf(w.Dims[1]))]);
        Value y = g.Add(products, factors), all = Sums(1, 1);
        TensorData left = TensorData.Of<int>(ElementType.Int32, [.. zeros.Select(z => (int)z)], filters);
        return g.Add(new Sub(), y, g.Add(new Mul(), all, InShape(g, g.Constant(left), x.Type.Rank)));

        Value Sums(long factor, long parts) => g.Add(new SumOfBytes(factor, parts, [.. w.Dims[2..]], window.Strides, window.Dilations, pads), padded);
        int Filter(int weight) => weight / perFilter;
        long ZeroOf(int filter) => wZero.Constant is not { } data ? 0 : data.GetInt64(data.Count == 1 ? 0 : filter);
    }

    /// <summary>An input with a border of its zero point, and the padding that is left: memory has borders of zeros.</summary>
    private static (Value X, EquatableArray<long> Pads) Padded(Rewriting g, Value x, long zero, Window window)
    {
        long[] low = [.. window.PadLow.Select(p => p.Value)], high = [.. window.PadHigh.Select(p => p.Value)];
        if (zero == 0 || low.Concat(high).All(p => p == 0)) return (x, [.. low, .. high]);
        TensorData border = TensorData.Zeros(x.Type.Element, []);
        border.SetInt64(0, zero);
        IndexExpr[] pads = [0, 0, .. low.Select(p => (IndexExpr)p), 0, 0, .. high.Select(p => (IndexExpr)p)];
        return (g.Add(new Pad(pads), x, g.Constant(border)), [.. low.Concat(high).Select(_ => 0L)]);
    }

    /// <summary>One number per channel, as it is broadcast to a tensor.</summary>
    private static Value InShape(Rewriting g, Value numbers, int rank) => g.Constant(numbers.Constant!.Reshape([numbers.Constant.Count, .. Enumerable.Repeat(1L, rank - 2)]));
}
