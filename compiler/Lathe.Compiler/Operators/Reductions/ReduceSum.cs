using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>Σ x.</summary>
public sealed record ReduceSum(EquatableArray<long>? Axes = null, bool Keepdims = true) : ReduceOperator(Axes, Keepdims), IOp<ReduceSum>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReduceSum", 1, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        ImportReduction(node, builder, (axes, keepdims) => new ReduceSum(axes, keepdims));

    /// <inheritdoc/>
    protected override double Reduce(double[] x) => x.Sum();

    /// <inheritdoc/>
    protected override Int128 Reduce(Int128[] x) => x.Aggregate(Int128.Zero, (all, v) => all + v);

    /// <inheritdoc/>
    protected override Expr Combine(Expr all, Expr x) => all + x;

    /// <inheritdoc/>
    protected override IndexExpr? Combine(IndexExpr all, IndexExpr x) => all + x;
}
