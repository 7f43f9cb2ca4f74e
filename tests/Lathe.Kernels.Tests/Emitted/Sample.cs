using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Computations as the compiler builds them from operators.</summary>
public static class Sample
{
    /// <summary>A 2-D convolution with bias and ReLU: blocked input with a halo unless it has few channels, weights in panels.</summary>
    public static Computation Convolution(
        IndexExpr n, long ic, long oc, IndexExpr h, IndexExpr w, long k, long stride = 1, long pad = 0, long dilation = 1, long outPad = 0,
        bool rowMajorInput = false, bool residual = false, IndexVar[]? dims = null, string name = "conv")
    {
        IndexExpr oh = ((h + (2 * pad) - (dilation * (k - 1)) - 1) / stride) + 1, ow = ((w + (2 * pad) - (dilation * (k - 1)) - 1) / stride) + 1;
        LayoutLevel[] rows = [new(0), new(1), new(2, PadLow: pad, PadHigh: pad), new(3, PadLow: pad, PadHigh: pad)];
        Tensor x = new("x0", ElementType.Float32, [n, ic, h, w], rowMajorInput ? new Layout(rows) : Layout.Blocked(4, 16, [pad, pad], [pad, pad]));
        Tensor weights = new("x1", ElementType.Float32, [oc, ic, k, k], rowMajorInput ? PackedLayouts.ConvolutionWeightsOfRowMajor(4) : PackedLayouts.ConvolutionWeights(4));
        Tensor bias = new("x2", ElementType.Float32, [oc], PackedLayouts.ChannelVector);
        Tensor y = new("y", ElementType.Float32, [n, oc, oh, ow], Layout.Blocked(4, 16, [outPad, outPad], [outPad, outPad]));
        Tensor other = new("x3", ElementType.Float32, [n, oc, oh, ow], Layout.Blocked(4, 16));
        Axis[] pure = Axes(y.Dims), reduce = [Axis.Of("ic", ic), Axis.Of("k0", k), Axis.Of("k1", k)];
        IndexExpr r = (pure[2].Variable * stride) + (reduce[1].Variable * dilation) - pad, c = (pure[3].Variable * stride) + (reduce[2].Variable * dilation) - pad;
        Accumulator sum = new("sum", ElementType.Float32, bias.At(pure[1].Variable), new Var("sum", ElementType.Float32));
        sum = sum with { Update = new Fma(x.At(pure[0].Variable, reduce[0].Variable, r, c), weights.At(pure[1].Variable, reduce[0].Variable, reduce[1].Variable, reduce[2].Variable), sum.Value) };
        Expr result = residual ? new Binary(BinaryOp.Add, sum.Value, other.At([.. pure.Select(a => (IndexExpr)a.Variable)])) : sum.Value;
        result = new Binary(BinaryOp.Max, result, Const.Of(ElementType.Float32, 0));
        return new Computation(name, KernelFamily.Convolution, [new Stage(name, y, pure, reduce, [sum], result)], residual ? [x, weights, bias, other] : [x, weights, bias], [y], dims ?? []);
    }

    /// <summary>A depthwise convolution with bias.</summary>
    public static Computation Depthwise(IndexExpr n, long channels, IndexExpr h, IndexExpr w, long k, long stride, long pad, IndexVar[]? dims = null, string name = "depthwise")
    {
        IndexExpr oh = ((h + (2 * pad) - k) / stride) + 1, ow = ((w + (2 * pad) - k) / stride) + 1;
        Tensor x = new("x0", ElementType.Float32, [n, channels, h, w], Layout.Blocked(4, 16, [pad, pad], [pad, pad]));
        Tensor weights = new("x1", ElementType.Float32, [channels, 1, k, k], PackedLayouts.DepthwiseWeights(4));
        Tensor bias = new("x2", ElementType.Float32, [channels], PackedLayouts.ChannelVector);
        Tensor y = new("y", ElementType.Float32, [n, channels, oh, ow], Layout.Blocked(4, 16));
        Axis[] pure = Axes(y.Dims), reduce = [Axis.Of("k0", k), Axis.Of("k1", k)];
        Accumulator sum = new("sum", ElementType.Float32, bias.At(pure[1].Variable), new Var("sum", ElementType.Float32));
        sum = sum with
        {
            Update = new Fma(
                x.At(pure[0].Variable, pure[1].Variable, (pure[2].Variable * stride) + reduce[0].Variable - pad, (pure[3].Variable * stride) + reduce[1].Variable - pad),
                weights.At(pure[1].Variable, 0, reduce[0].Variable, reduce[1].Variable), sum.Value),
        };
        return new Computation(name, KernelFamily.DepthwiseConvolution, [new Stage(name, y, pure, reduce, [sum], sum.Value)], [x, weights, bias], [y], dims ?? []);
    }

    /// <summary>The axes of a shape, named as the compiler names them.</summary>
    public static Axis[] Axes(IReadOnlyList<IndexExpr> dims, string prefix = "o") => [.. dims.Select((extent, i) => Axis.Of($"{prefix}{i}", extent))];
}
