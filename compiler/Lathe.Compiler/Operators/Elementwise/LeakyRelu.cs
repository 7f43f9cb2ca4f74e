using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x where x ≥ 0, otherwise αx.</summary>
public sealed record LeakyRelu(float Alpha = 0.01f) : UnaryOperator, IOp<LeakyRelu>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("LeakyRelu", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => x >= 0 ? x : Alpha * x;

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => (x < 0).Choose(x * Alpha, x);
}
