using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The inverse hyperbolic sine.</summary>
public sealed record Asinh : UnaryOperator, IOp<Asinh>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Asinh", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Asinh(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Asinh);
}
