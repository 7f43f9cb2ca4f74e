using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>γx where x > 0, otherwise γα(e^x - 1).</summary>
public sealed record Selu(float Alpha = 1.67326319217681884765625f, float Gamma = 1.05070102214813232421875f) : UnaryOperator, IOp<Selu>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Selu", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Gamma * (x > 0 ? x : Alpha * (Math.Exp(x) - 1));

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => (x > 0).Choose(x, (x.Of(UnaryOp.Exp) - 1) * Alpha) * Gamma;
}
