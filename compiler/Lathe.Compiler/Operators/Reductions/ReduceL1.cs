using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>Σ |x|.</summary>
public sealed record ReduceL1(EquatableArray<long>? Axes = null, bool Keepdims = true) : ReduceOperator(Axes, Keepdims), IOp<ReduceL1>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReduceL1", 1, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        ImportReduction(node, builder, (axes, keepdims) => new ReduceL1(axes, keepdims));

    /// <inheritdoc/>
    protected override double Reduce(double[] x) => x.Sum(Math.Abs);

    /// <inheritdoc/>
    protected override Int128 Reduce(Int128[] x) => x.Aggregate(Int128.Zero, (all, v) => all + Int128.Abs(v));

    /// <inheritdoc/>
    protected override Expr Element(Expr x) => x.Type.Element.IsUnsigned() ? x : x.Of(UnaryOp.Abs);

    /// <inheritdoc/>
    protected override Expr Combine(Expr all, Expr x) => all + x;
}
