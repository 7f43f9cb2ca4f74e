using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>The least x; of none, infinity or the greatest integer. Bools are ordered false, true.</summary>
public sealed record ReduceMin(EquatableArray<long>? Axes = null, bool Keepdims = true) : ReduceOperator(Axes, Keepdims), IOp<ReduceMin>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReduceMin", 1, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        ImportReduction(node, builder, (axes, keepdims) => new ReduceMin(axes, keepdims));

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element.IsInteger() || element == ElementType.Bool;

    /// <inheritdoc/>
    protected override double Reduce(double[] x) => x.Aggregate(double.PositiveInfinity, Math.Min);

    /// <inheritdoc/>
    protected override Int128 Reduce(Int128[] x) => x.Length == 0 ? 0 : x.Min();

    /// <inheritdoc/>
    protected override Expr Start(ElementType element) => element == ElementType.Bool ? Const.OfInteger(element, 1) : Elements.Highest(element);

    /// <inheritdoc/>
    protected override Expr Combine(Expr all, Expr x) => all.Type.Element == ElementType.Bool ? all & x : all.Min(x);

    /// <inheritdoc/>
    protected override IndexExpr? Combine(IndexExpr all, IndexExpr x) => IndexExpr.Min(all, x);
}
