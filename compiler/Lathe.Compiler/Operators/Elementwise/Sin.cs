using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The sine.</summary>
public sealed record Sin : UnaryOperator, IOp<Sin>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Sin", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Sin(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Sin);
}
