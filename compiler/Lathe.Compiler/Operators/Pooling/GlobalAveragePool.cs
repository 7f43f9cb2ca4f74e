using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Pooling;

/// <summary>The mean of each channel over all its spatial axes.</summary>
public sealed record GlobalAveragePool : GlobalPoolOperator, IOp<GlobalAveragePool>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("GlobalAveragePool", 1, 1);

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        (Axis[] spatial, Expr x) = Spatial(context);
        Accumulator sum = context.Accumulate("sum", x.Type.Element, Const.Of(x.Type, 0), acc => acc + x);
        IndexExpr count = IndexExpr.Product(spatial.Select(s => s.Extent));
        return context.ReduceOver(KernelFamily.Reduction, spatial, sum, acc => (acc / count.ToExpr(acc.Type.Element)).To(context.Output.Element));
    }

    /// <inheritdoc/>
    protected override double Pool(ReadOnlySpan<double> channel)
    {
        double sum = 0;
        foreach (double x in channel) sum += x;
        return sum / channel.Length;
    }
}
