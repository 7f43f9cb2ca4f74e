using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>1 / (1 + e^-x).</summary>
public sealed record Sigmoid : UnaryOperator, IOp<Sigmoid>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Sigmoid", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => 1 / (1 + Math.Exp(-x));

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Sigmoid);
}
