using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Pooling;

/// <summary>
/// y[n, c, p] = the mean of x[n, c, p·stride + k·dilation - pad] over the window's elements inside x, or with
/// <paramref name="CountIncludePad"/> over those inside the padded x, where the padding is zero.
/// </summary>
public sealed record AveragePool(
    string AutoPad = "NOTSET",
    bool CeilMode = false,
    bool CountIncludePad = false,
    EquatableArray<long> Dilations = default,
    EquatableArray<long> KernelShape = default,
    EquatableArray<long> Pads = default,
    EquatableArray<long> Strides = default) : PoolOperator(AutoPad, CeilMode, Dilations, KernelShape, Pads, Strides), IOp<AveragePool>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("AveragePool", 1, 1);

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        (Axis[] taps, IndexExpr[] index) = Taps(context);
        Expr x = context.ReadPadded(0, Const.Of(context.Output.Element, 0), index).Widen();
        Accumulator sum = context.Accumulate("sum", x.Type.Element, Const.Of(x.Type, 0), acc => acc + x);
        IndexExpr count = IndexExpr.Product(taps.Select((_, axis) => Counted(context, axis)));
        return context.ReduceOver(KernelFamily.Pool, taps, sum, acc => (acc / count.ToExpr(acc.Type.Element)).To(context.Output.Element));
    }

    /// <inheritdoc/>
    protected override double Pool(ReadOnlySpan<double> inside, int counted)
    {
        double sum = 0;
        foreach (double x in inside) sum += x;
        return sum / Math.Max(1, CountIncludePad ? counted : inside.Length);
    }

    /// <summary>How many elements of the window at the output's index count along an axis: those from <c>first</c> to below <c>end</c>.</summary>
    private IndexExpr Counted(LowerContext context, int axis)
    {
        Window window = WindowOf(context.Inputs[0]!);
        IndexExpr low = window.PadLow[axis], high = window.PadHigh[axis], kernel = window.Kernel[axis];
        long dilation = window.Dilations[axis];
        IndexExpr start = (context.Index[axis + 2] * window.Strides[axis]) - low;
        IndexExpr limit = context.Inputs[0]!.Dims[axis + 2] + (CountIncludePad ? high : 0);
        IndexExpr before = CountIncludePad ? 0 : IndexExpr.Max(0, -start);
        IndexExpr end = IndexExpr.Min(kernel, IndexExpr.CeilDiv(IndexExpr.Max(0, limit - start), dilation));
        return IndexExpr.Max(1, end - IndexExpr.CeilDiv(before, dilation));
    }
}
