using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>log Σ x.</summary>
public sealed record ReduceLogSum(EquatableArray<long>? Axes = null, bool Keepdims = true) : ReduceOperator(Axes, Keepdims), IOp<ReduceLogSum>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReduceLogSum", 1, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        ImportReduction(node, builder, (axes, keepdims) => new ReduceLogSum(axes, keepdims));

    /// <inheritdoc/>
    protected override double Reduce(double[] x) => Math.Log(x.Sum());

    /// <inheritdoc/>
    protected override Expr Element(Expr x) => x.Type.Element.IsFloat() ? x : x.To(ElementType.Float64);

    /// <inheritdoc/>
    protected override Expr Combine(Expr all, Expr x) => all + x;

    /// <inheritdoc/>
    protected override Expr Finish(Expr all, IndexExpr count) => all.Of(UnaryOp.Log);
}
