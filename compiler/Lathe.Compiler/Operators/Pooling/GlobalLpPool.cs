using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Pooling;

/// <summary>(Σ |x|^P)^(1/P) of each channel over all its spatial axes.</summary>
public sealed record GlobalLpPool(long P = 2) : GlobalPoolOperator, IOp<GlobalLpPool>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("GlobalLpPool", 1, 1);

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        (Axis[] spatial, Expr x) = Spatial(context);
        Expr power = LpPool.Power(x, P);
        Accumulator sum = context.Accumulate("sum", x.Type.Element, Const.Of(x.Type, 0), acc => acc + power);
        return context.ReduceOver(KernelFamily.Reduction, spatial, sum, acc => LpPool.Root(acc, P).To(context.Output.Element));
    }

    /// <inheritdoc/>
    protected override double Pool(ReadOnlySpan<double> channel) => LpPool.Norm(channel, P);
}
