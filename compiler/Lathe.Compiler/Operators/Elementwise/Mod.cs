using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>
/// The remainder of a / b, with the sign of a if <paramref name="Fmod"/>, otherwise with that of b, as Python has it. Integers divided by zero give 0.
/// </summary>
public sealed record Mod(bool Fmod = false) : BinaryOperator, IOp<Mod>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Mod", 2, 2);

    /// <inheritdoc/>
    protected override double Apply(double a, double b)
    {
        double r = a % b;
        return !Fmod && r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 b)
    {
        if (b == 0) return 0;
        Int128 r = a % b;
        return !Fmod && r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr b)
    {
        Expr zero = Const.Of(b.Type, 0), remainder = Remainder(a, b);
        return Fmod || b.Type.Element.IsUnsigned()
            ? remainder
            : (!remainder.EqualTo(zero) & ((remainder < zero) ^ (b < zero))).Choose(remainder + b, remainder);
    }

    /// <inheritdoc/>
    protected override IndexExpr? Apply(IndexExpr a, IndexExpr b, ElementType element) =>
        b.Range.Min > 0 && a.Range.Min >= 0 ? a % b : null;

    /// <summary>The remainder with the sign of a; integers never divide by 0 or by -1, which traps for the least one.</summary>
    private static Expr Remainder(Expr a, Expr b)
    {
        if (b.Type.Element.IsFloat() || b is Const { Integer: not 0 and not -1 }) return a % b;
        Expr one = Const.Of(b.Type, 1);
        Expr safe = b.EqualTo(0).Choose(one, b);
        return a % (b.Type.Element.IsUnsigned() ? safe : b.EqualTo(-1).Choose(one, safe));
    }
}
