using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The greatest of the inputs; a NaN in any gives a NaN.</summary>
public sealed record Max : VariadicOperator, IOp<Max>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Max", 1, int.MaxValue);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element.IsInteger();

    /// <inheritdoc/>
    protected override double Combine(double a, double b) => Math.Max(a, b);

    /// <inheritdoc/>
    protected override Int128 Combine(Int128 a, Int128 b) => Int128.Max(a, b);

    /// <inheritdoc/>
    protected override Expr Combine(Expr a, Expr b) => a.Type.Element.IsFloat() ? a.Of(UnaryOp.IsNaN).Choose(a, a.Max(b)) : a.Max(b);

    /// <inheritdoc/>
    protected override IndexExpr? Combine(IndexExpr a, IndexExpr b) => IndexExpr.Max(a, b);
}
