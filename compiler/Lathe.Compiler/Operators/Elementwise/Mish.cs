using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x * tanh(log(1 + e^x)), where with n = e^x (e^x + 2) the tangent is n / (n + 2); from 20 on it is 1 in float64 as well.</summary>
public sealed record Mish : UnaryOperator, IOp<Mish>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Mish", 1, 1);

    private static Expr Tangent(Expr x)
    {
        Expr e = x.Of(UnaryOp.Exp), n = e * (e + 2);
        return n / (n + 2);
    }

    /// <inheritdoc/>
    protected override double Apply(double x) => x * Math.Tanh(Math.Max(x, 0) + SpecialFunctions.LogPlusOne(Math.Exp(-Math.Abs(x))));

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => (x > 20).Choose(x, x * Tangent(x));
}
