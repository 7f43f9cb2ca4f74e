using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The least of the inputs; a NaN in any gives a NaN.</summary>
public sealed record Min : VariadicOperator, IOp<Min>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Min", 1, int.MaxValue);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element.IsInteger();

    /// <inheritdoc/>
    protected override double Combine(double a, double b) => Math.Min(a, b);

    /// <inheritdoc/>
    protected override Int128 Combine(Int128 a, Int128 b) => Int128.Min(a, b);

    /// <inheritdoc/>
    protected override Expr Combine(Expr a, Expr b) => a.Type.Element.IsFloat() ? a.Of(UnaryOp.IsNaN).Choose(a, a.Min(b)) : a.Min(b);

    /// <inheritdoc/>
    protected override IndexExpr? Combine(IndexExpr a, IndexExpr b) => IndexExpr.Min(a, b);
}
