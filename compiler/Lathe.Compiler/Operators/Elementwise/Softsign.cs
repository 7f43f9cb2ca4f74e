using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x / (1 + |x|).</summary>
public sealed record Softsign : UnaryOperator, IOp<Softsign>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Softsign", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => x / (1 + Math.Abs(x));

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x / (1 + x.Of(UnaryOp.Abs));
}
