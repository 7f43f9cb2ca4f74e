using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>1 / x.</summary>
public sealed record Reciprocal : UnaryOperator, IOp<Reciprocal>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Reciprocal", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => 1 / x;

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => 1 / x;
}
