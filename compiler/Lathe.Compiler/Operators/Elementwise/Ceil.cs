using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The least integer that is not below x.</summary>
public sealed record Ceil : UnaryOperator, IOp<Ceil>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Ceil", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Ceiling(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Ceiling);

    /// <inheritdoc/>
    protected override IndexExpr? Apply(IndexExpr x) => x;
}
