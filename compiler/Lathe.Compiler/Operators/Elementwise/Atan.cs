using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The inverse tangent.</summary>
public sealed record Atan : UnaryOperator, IOp<Atan>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Atan", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Atan(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Atan);
}
