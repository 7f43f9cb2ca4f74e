using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x / (1 + e^-αx).</summary>
public sealed record Swish(float Alpha = 1f) : UnaryOperator, IOp<Swish>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Swish", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => x / (1 + Math.Exp(-Alpha * x));

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x * (Alpha == 1 ? x : x * Alpha).Of(UnaryOp.Sigmoid);
}
