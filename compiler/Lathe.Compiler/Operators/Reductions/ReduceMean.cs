using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>Σ x / n. The mean of integers is truncated, that of none is 0.</summary>
public sealed record ReduceMean(EquatableArray<long>? Axes = null, bool Keepdims = true) : ReduceOperator(Axes, Keepdims), IOp<ReduceMean>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReduceMean", 1, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        ImportReduction(node, builder, (axes, keepdims) => new ReduceMean(axes, keepdims));

    /// <inheritdoc/>
    protected override double Reduce(double[] x) => x.Sum() / x.Length;

    /// <inheritdoc/>
    protected override Int128 Reduce(Int128[] x) => x.Length == 0 ? 0 : x.Aggregate(Int128.Zero, (all, v) => all + v) / x.Length;

    /// <inheritdoc/>
    protected override Expr Combine(Expr all, Expr x) => all + x;

    /// <inheritdoc/>
    protected override Expr Finish(Expr all, IndexExpr count) => all.Type.Element.IsFloat()
        ? all / count.ToExpr(all.Type.Element)
        : all / IndexExpr.Max(1, count).ToExpr(all.Type.Element);
}
