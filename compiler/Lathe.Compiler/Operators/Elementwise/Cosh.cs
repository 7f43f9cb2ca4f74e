using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The hyperbolic cosine.</summary>
public sealed record Cosh : UnaryOperator, IOp<Cosh>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Cosh", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Cosh(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Cosh);
}
