using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>log Σ e^x, as max + log Σ e^(x - max), which does not overflow.</summary>
public sealed record ReduceLogSumExp(EquatableArray<long>? Axes = null, bool Keepdims = true) : ReduceOperator(Axes, Keepdims), IOp<ReduceLogSumExp>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReduceLogSumExp", 1, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Rows;

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        ImportReduction(node, builder, (axes, keepdims) => new ReduceLogSumExp(axes, keepdims));

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        (Axis[] first, IndexExpr[] firstIndex) = Points(context, "r");
        (Axis[] second, IndexExpr[] secondIndex) = Points(context, "s");
        ElementType element = context.Output.Element.IsFloat() ? context.Output.Element.Arithmetic() : ElementType.Float64;
        Expr x = context.Read(0, firstIndex).To(element), again = context.Read(0, secondIndex).To(element);

        Accumulator max = context.Accumulate("max", element, Elements.Lowest(element), acc => acc.Max(x));
        // An infinite greatest element is left out: infinity minus infinity is a NaN.
        Expr finite = max.Value.Of(UnaryOp.Abs).EqualTo(double.PositiveInfinity).Choose(Const.Of(element, 0), max.Value);
        Expr greatest = context.ReadTemporary(0, element, context.Axes, context.Index);
        Accumulator sum = context.Accumulate("sum", element, Const.Of(element, 0), acc => acc + (again - greatest).Of(UnaryOp.Exp));
        return new LoweredOp(
            KernelFamily.Rows,
            [
                new LoweredPass(context.Axes, first, [max], finite),
                new LoweredPass(context.Axes, second, [sum], (sum.Value.Of(UnaryOp.Log) + greatest).To(context.Output.Element)),
            ]);
    }

    /// <inheritdoc/>
    protected override double Reduce(double[] x)
    {
        double max = x.Length == 0 ? 0 : x.Max();
        if (double.IsInfinity(max)) max = 0;
        return max + Math.Log(x.Sum(v => Math.Exp(v - max)));
    }

    /// <inheritdoc/>
    protected override Expr Combine(Expr all, Expr x) => all + x;
}
