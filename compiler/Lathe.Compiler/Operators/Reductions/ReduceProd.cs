using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>Π x.</summary>
public sealed record ReduceProd(EquatableArray<long>? Axes = null, bool Keepdims = true) : ReduceOperator(Axes, Keepdims), IOp<ReduceProd>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReduceProd", 1, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        ImportReduction(node, builder, (axes, keepdims) => new ReduceProd(axes, keepdims));

    /// <inheritdoc/>
    protected override double Reduce(double[] x) => x.Aggregate(1.0, (all, v) => all * v);

    /// <inheritdoc/>
    protected override Int128 Reduce(Int128[] x) => x.Aggregate(Int128.One, (all, v) => unchecked(all * v));

    /// <inheritdoc/>
    protected override Expr Start(ElementType element) => Const.Of(element, 1);

    /// <inheritdoc/>
    protected override Expr Combine(Expr all, Expr x) => all * x;

    /// <inheritdoc/>
    protected override IndexExpr? Combine(IndexExpr all, IndexExpr x) => all * x;
}
