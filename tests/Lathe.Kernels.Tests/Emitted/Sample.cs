using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Computations as the compiler builds them from operators.</summary>
public static partial class Sample
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
        Tensor bias = new("x2", ElementType.Float32, [oc], PackedLayouts.Channels(1, 0));
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
        Tensor bias = new("x2", ElementType.Float32, [channels], PackedLayouts.Channels(1, 0));
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

    /// <summary>A plain reduction along axes, which become dims of 1.</summary>
    public static Computation Reduction(Tensor x, int[] along, Func<Expr, Expr, Expr> update, double start, Func<Expr, Expr>? result = null, IndexVar[]? dims = null, Layout? layout = null)
    {
        IndexExpr[] shape = [.. x.Dims.Items.Select((d, a) => along.Contains(a) ? 1 : d)];
        Tensor y = new("y", x.Element, shape, layout ?? Layout.RowMajor(shape.Length));
        Axis[] pure = Axes(shape), reduce = [.. along.Select((a, i) => Axis.Of($"r{i}", x.Dims[a]))];
        IndexExpr[] index = [.. x.Dims.Items.Select((_, a) => along.Contains(a) ? (IndexExpr)reduce[Array.IndexOf(along, a)].Variable : pure[a].Variable)];
        Accumulator total = new("total", x.Element, Const.Of(x.Element, start), new Var("total", x.Element));
        total = total with { Update = update(total.Value, x.At(index)) };
        return new Computation("reduce", KernelFamily.Reduction, [new Stage("reduce", y, pure, reduce, [total], result?.Invoke(total.Value) ?? total.Value)], [x], [y], dims ?? []);
    }

    /// <summary>A matrix product [batch…, m, k] by [batch…, k, n] plus a bias of [n].</summary>
    public static Computation MatMul(IndexExpr[] batch, IndexExpr m, IndexExpr k, IndexExpr n, Layout? b = null, bool transposed = false, bool sharedB = false, IndexVar[]? dims = null)
    {
        Tensor left = new("x0", ElementType.Float32, [.. batch, m, k], Layout.RowMajor(batch.Length + 2));
        IndexExpr[] rightDims = [.. sharedB ? [] : batch, .. transposed ? new[] { n, k } : [k, n]];
        Tensor right = new("x1", ElementType.Float32, rightDims, b ?? Layout.RowMajor(rightDims.Length));
        Tensor bias = new("x2", ElementType.Float32, [n], Layout.RowMajor(1));
        Tensor y = new("y", ElementType.Float32, [.. batch, m, n], Layout.RowMajor(batch.Length + 2));
        Axis[] pure = Axes(y.Dims);
        Axis reduce = Axis.Of("k", k);
        IndexExpr[] outer = [.. pure.Take(batch.Length).Select(a => (IndexExpr)a.Variable)];
        IndexExpr row = pure[^2].Variable, column = pure[^1].Variable;
        Accumulator sum = new("sum", ElementType.Float32, Const.Of(ElementType.Float32, 0), new Var("sum", ElementType.Float32));
        IndexExpr[] at = [.. sharedB ? [] : outer, .. transposed ? new[] { column, reduce.Variable } : [reduce.Variable, column]];
        sum = sum with { Update = new Fma(left.At([.. outer, row, reduce.Variable]), right.At(at), sum.Value) };
        Expr result = new Binary(BinaryOp.Add, sum.Value, bias.At(column));
        return new Computation("matmul", KernelFamily.MatMul, [new Stage("matmul", y, pure, [reduce], [sum], result)], [left, right, bias], [y], dims ?? []);
    }

    /// <summary>A maximum or an average over a window of a blocked tensor with a halo; what lies outside does not count in the maximum.</summary>
    public static Computation Pool(IndexExpr n, long channels, IndexExpr h, IndexExpr w, long k, long stride, long pad, bool average)
    {
        IndexExpr oh = ((h + (2 * pad) - k) / stride) + 1, ow = ((w + (2 * pad) - k) / stride) + 1;
        Tensor x = new("x0", ElementType.Float32, [n, channels, h, w], Layout.Blocked(4, 16, [pad, pad], [pad, pad]));
        Tensor y = new("y", ElementType.Float32, [n, channels, oh, ow], Layout.Blocked(4, 16));
        Axis[] pure = Axes(y.Dims), reduce = [Axis.Of("k0", k), Axis.Of("k1", k)];
        IndexExpr row = (pure[2].Variable * stride) + reduce[0].Variable - pad, column = (pure[3].Variable * stride) + reduce[1].Variable - pad;
        Expr at = x.At(pure[0].Variable, pure[1].Variable, row, column);
        if (!average) at = Inside([(row, h), (column, w)], at, Const.Of(ElementType.Float32, double.NegativeInfinity));
        Accumulator total = new("total", ElementType.Float32, Const.Of(ElementType.Float32, average ? 0 : double.NegativeInfinity), new Var("total", ElementType.Float32));
        total = total with { Update = new Binary(average ? BinaryOp.Add : BinaryOp.Max, total.Value, at) };
        Expr result = average ? new Binary(BinaryOp.Multiply, total.Value, Const.Of(ElementType.Float32, 1f / (k * k))) : total.Value;
        return new Computation("pool", KernelFamily.Pool, [new Stage("pool", y, pure, reduce, [total], result)], [x], [y], []);
    }

    /// <summary>An element-wise computation.</summary>
    public static Computation Map(Tensor y, IReadOnlyList<Tensor> inputs, Func<IndexExpr[], Expr> value, IndexVar[]? dims = null)
    {
        Axis[] pure = Axes(y.Dims);
        Expr result = value([.. pure.Select(a => (IndexExpr)a.Variable)]);
        return new Computation("map", KernelFamily.Map, [new Stage("map", y, pure, [], [], result)], [.. inputs], [y], dims ?? []);
    }

    /// <summary>e^(x - max) / Σ e^(x - max) along an axis.</summary>
    public static Computation Softmax(Tensor x, int axis, IndexVar[]? dims = null)
    {
        Tensor y = x with { Name = "y" };
        Axis[] pure = Axes(x.Dims), rows = [.. pure.Where((_, a) => a != axis)];
        IndexExpr[] index = [.. pure.Select(a => (IndexExpr)a.Variable)], row = [.. rows.Select(a => (IndexExpr)a.Variable)];
        Axis k = Axis.Of("k", x.Dims[axis]), l = Axis.Of("l", x.Dims[axis]);
        Tensor t0 = new("t0", x.Element, [.. rows.Select(a => a.Extent)], Layout.RowMajor(rows.Length)), t1 = t0 with { Name = "t1" };
        Expr Element(IndexExpr at) => x.At([.. index.Select((v, a) => a == axis ? at : v)]);
        Accumulator max = new("max", x.Element, Const.Of(x.Element, double.NegativeInfinity), new Var("max", x.Element));
        max = max with { Update = new Binary(BinaryOp.Max, max.Value, Element(k.Variable)) };
        Accumulator sum = new("sum", x.Element, Const.Of(x.Element, 0), new Var("sum", x.Element));
        sum = sum with { Update = new Binary(BinaryOp.Add, sum.Value, new Unary(UnaryOp.Exp, new Binary(BinaryOp.Subtract, Element(l.Variable), t0.At(row)))) };
        Expr result = new Binary(BinaryOp.Divide, new Unary(UnaryOp.Exp, new Binary(BinaryOp.Subtract, x.At(index), t0.At(row))), t1.At(row));
        return new Computation(
            "softmax", KernelFamily.Rows,
            [new Stage("max", t0, rows, [k], [max], max.Value), new Stage("sum", t1, rows, [l], [sum], sum.Value), new Stage("softmax", y, pure, [], [], result)],
            [x], [y], dims ?? []);
    }

    /// <summary>A value where every index lies inside its extent, and another elsewhere.</summary>
    public static Expr Inside((IndexExpr Index, IndexExpr Extent)[] bounds, Expr inside, Expr outside)
    {
        Expr? condition = null;
        foreach ((IndexExpr index, IndexExpr extent) in bounds)
        {
            Expr low = new Binary(BinaryOp.LessOrEqual, Const.OfInteger(ElementType.Int64, 0), new IndexValue(index, ElementType.Int64));
            Expr high = new Binary(BinaryOp.Less, new IndexValue(index, ElementType.Int64), new IndexValue(extent, ElementType.Int64));
            Expr both = new Binary(BinaryOp.And, low, high);
            condition = condition is null ? both : new Binary(BinaryOp.And, condition, both);
        }

        return new Select(condition!, inside, outside);
    }
}
