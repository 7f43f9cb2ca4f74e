using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>√ Σ x².</summary>
public sealed record ReduceL2(EquatableArray<long>? Axes = null, bool Keepdims = true) : ReduceOperator(Axes, Keepdims), IOp<ReduceL2>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReduceL2", 1, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        ImportReduction(node, builder, (axes, keepdims) => new ReduceL2(axes, keepdims));

    /// <inheritdoc/>
    protected override double Reduce(double[] x) => Math.Sqrt(x.Sum(v => v * v));

    /// <inheritdoc/>
    protected override Expr Element(Expr x) => x.Type.Element.IsFloat() ? x : x.To(ElementType.Float64);

    /// <inheritdoc/>
    protected override Expr Combine(Expr all, Expr x) => x.MultiplyAdd(x, all);

    /// <inheritdoc/>
    protected override Expr Finish(Expr all, IndexExpr count) => all.Of(UnaryOp.Sqrt);
}
