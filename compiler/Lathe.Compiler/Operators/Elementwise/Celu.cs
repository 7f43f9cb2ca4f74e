using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x where x ≥ 0, otherwise α(e^(x/α) - 1).</summary>
public sealed record Celu(float Alpha = 1f) : UnaryOperator, IOp<Celu>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Celu", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => x >= 0 ? x : Alpha * (Math.Exp(x / Alpha) - 1);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => (x < 0).Choose(((x / Alpha).Of(UnaryOp.Exp) - 1) * Alpha, x);
}
