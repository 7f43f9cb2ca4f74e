using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The inverse hyperbolic tangent.</summary>
public sealed record Atanh : UnaryOperator, IOp<Atanh>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Atanh", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Atanh(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Atanh);
}
