using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The inverse hyperbolic cosine.</summary>
public sealed record Acosh : UnaryOperator, IOp<Acosh>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Acosh", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Acosh(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Acosh);
}
