using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The square root.</summary>
public sealed record Sqrt : UnaryOperator, IOp<Sqrt>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Sqrt", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Sqrt(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Sqrt);
}
