using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>The greatest x; of none, minus infinity or the least integer. Bools are ordered false, true.</summary>
public sealed record ReduceMax(EquatableArray<long>? Axes = null, bool Keepdims = true) : ReduceOperator(Axes, Keepdims), IOp<ReduceMax>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReduceMax", 1, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        ImportReduction(node, builder, (axes, keepdims) => new ReduceMax(axes, keepdims));

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element.IsInteger() || element == ElementType.Bool;

    /// <inheritdoc/>
    protected override double Reduce(double[] x) => x.Aggregate(double.NegativeInfinity, Math.Max);

    /// <inheritdoc/>
    protected override Int128 Reduce(Int128[] x) => x.Length == 0 ? 0 : x.Max();

    /// <inheritdoc/>
    protected override Expr Start(ElementType element) => element == ElementType.Bool ? Const.OfInteger(element, 0) : Elements.Lowest(element);

    /// <inheritdoc/>
    protected override Expr Combine(Expr all, Expr x) => all.Type.Element == ElementType.Bool ? all | x : all.Max(x);

    /// <inheritdoc/>
    protected override IndexExpr? Combine(IndexExpr all, IndexExpr x) => IndexExpr.Max(all, x);
}
