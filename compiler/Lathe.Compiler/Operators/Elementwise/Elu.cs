using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x where x ≥ 0, otherwise α(e^x - 1).</summary>
public sealed record Elu(float Alpha = 1f) : UnaryOperator, IOp<Elu>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Elu", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => x >= 0 ? x : Alpha * (Math.Exp(x) - 1);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => (x < 0).Choose((x.Of(UnaryOp.Exp) - 1) * Alpha, x);
}
