using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>e^x.</summary>
public sealed record Exp : UnaryOperator, IOp<Exp>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Exp", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Exp(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Exp);
}
