using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The tangent.</summary>
public sealed record Tan : UnaryOperator, IOp<Tan>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Tan", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Tan(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Tan);
}
