using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The hyperbolic tangent.</summary>
public sealed record Tanh : UnaryOperator, IOp<Tanh>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Tanh", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Tanh(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Tanh);
}
