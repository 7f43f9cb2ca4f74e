using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The hyperbolic sine.</summary>
public sealed record Sinh : UnaryOperator, IOp<Sinh>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Sinh", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Sinh(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Sinh);
}
