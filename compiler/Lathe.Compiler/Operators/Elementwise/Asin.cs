using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The inverse sine.</summary>
public sealed record Asin : UnaryOperator, IOp<Asin>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Asin", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Asin(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Asin);
}
