using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>Σ x².</summary>
public sealed record ReduceSumSquare(EquatableArray<long>? Axes = null, bool Keepdims = true) : ReduceOperator(Axes, Keepdims), IOp<ReduceSumSquare>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReduceSumSquare", 1, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        ImportReduction(node, builder, (axes, keepdims) => new ReduceSumSquare(axes, keepdims));

    /// <inheritdoc/>
    protected override double Reduce(double[] x) => x.Sum(v => v * v);

    /// <inheritdoc/>
    protected override Int128 Reduce(Int128[] x) => x.Aggregate(Int128.Zero, (all, v) => unchecked(all + (v * v)));

    /// <inheritdoc/>
    protected override Expr Combine(Expr all, Expr x) => x.MultiplyAdd(x, all);
}
