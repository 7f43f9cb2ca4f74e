using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Pooling;

/// <summary>y[n, c, p] = (Σ |x[n, c, p·stride + k·dilation - pad]|^P)^(1/P) over the window, with zero outside of x.</summary>
public sealed record LpPool(
    string AutoPad = "NOTSET",
    bool CeilMode = false,
    EquatableArray<long> Dilations = default,
    EquatableArray<long> KernelShape = default,
    long P = 2,
    EquatableArray<long> Pads = default,
    EquatableArray<long> Strides = default) : PoolOperator(AutoPad, CeilMode, Dilations, KernelShape, Pads, Strides), IOp<LpPool>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("LpPool", 1, 1);

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        (Axis[] taps, IndexExpr[] index) = Taps(context);
        Expr x = Power(context.ReadPadded(0, Const.Of(context.Output.Element, 0), index).Widen(), P);
        Accumulator sum = context.Accumulate("sum", x.Type.Element, Const.Of(x.Type, 0), acc => acc + x);
        return context.ReduceOver(KernelFamily.Pool, taps, sum, acc => Root(acc, P).To(context.Output.Element));
    }

    /// <summary>|x|^p.</summary>
    internal static Expr Power(Expr x, long p) => p switch
    {
        1 => x.Of(UnaryOp.Abs),
        2 => x * x,
        _ => new Binary(BinaryOp.Power, x.Of(UnaryOp.Abs), Const.Of(x.Type, p)),
    };

    /// <summary>x^(1/p).</summary>
    internal static Expr Root(Expr x, long p) => p switch
    {
        1 => x,
        2 => x.Of(UnaryOp.Sqrt),
        _ => new Binary(BinaryOp.Power, x, Const.Of(x.Type, 1.0 / p)),
    };

    /// <summary>(Σ |x|^p)^(1/p).</summary>
    internal static double Norm(ReadOnlySpan<double> all, long p)
    {
        double sum = 0;
        foreach (double x in all) sum += Math.Pow(Math.Abs(x), p);
        return Math.Pow(sum, 1.0 / p);
    }

    /// <inheritdoc/>
    protected override double Pool(ReadOnlySpan<double> inside, int counted) => Norm(inside, P);
}
