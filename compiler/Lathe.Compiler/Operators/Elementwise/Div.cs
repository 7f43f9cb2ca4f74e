using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>a / b. Integers are truncated; divided by zero they give 0, and the least integer divided by -1 wraps, so that no input traps.</summary>
public sealed record Div : BinaryOperator, IOp<Div>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Div", 2, 2);

    /// <inheritdoc/>
    protected override double Apply(double a, double b) => a / b;

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 b) => b == 0 ? 0 : a / b;

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr b)
    {
        if (b.Type.Element.IsFloat() || b is Const { Integer: not 0 and not -1 }) return a / b;
        Expr zero = Const.Of(b.Type, 0), one = Const.Of(b.Type, 1);
        if (b.Type.Element.IsUnsigned()) return b.EqualTo(zero).Choose(zero, a / b.EqualTo(zero).Choose(one, b));
        Expr unsafeDivisor = b.EqualTo(0) | b.EqualTo(-1);
        return b.EqualTo(0).Choose(zero, b.EqualTo(-1).Choose(-a, a / unsafeDivisor.Choose(one, b)));
    }

    /// <inheritdoc/>
    protected override IndexExpr? Apply(IndexExpr a, IndexExpr b, ElementType element)
    {
        if (b.Range.Min <= 0) return a.IsConstant && b.IsConstant && b.Value != 0 && (element.IsInteger() || a.Value % b.Value == 0) ? a.Value / b.Value : null;
        // Quotients of index expressions are defined for non-negative operands; those of floats are known only where they are exact.
        if (a.IsConstant && b.IsConstant) return element.IsInteger() || a.Value % b.Value == 0 ? a.Value / b.Value : null;
        return a.Range.Min >= 0 && (element.IsInteger() || a % b == IndexExpr.Zero) ? a / b : null;
    }
}
