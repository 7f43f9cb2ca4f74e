using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Pooling;

/// <summary>The greatest element of each channel over all its spatial axes.</summary>
public sealed record GlobalMaxPool : GlobalPoolOperator, IOp<GlobalMaxPool>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("GlobalMaxPool", 1, 1);

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        (Axis[] spatial, Expr x) = Spatial(context);
        Accumulator max = context.Accumulate("max", x.Type.Element, Elements.Lowest(x.Type.Element), acc => acc.Max(x));
        return context.ReduceOver(KernelFamily.Reduction, spatial, max, acc => acc.To(context.Output.Element));
    }

    /// <inheritdoc/>
    protected override double Pool(ReadOnlySpan<double> channel)
    {
        double max = double.NegativeInfinity;
        foreach (double x in channel) max = Math.Max(max, x);
        return max;
    }
}
