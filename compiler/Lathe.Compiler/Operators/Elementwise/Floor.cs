using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The greatest integer that is not above x.</summary>
public sealed record Floor : UnaryOperator, IOp<Floor>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Floor", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Floor(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Floor);

    /// <inheritdoc/>
    protected override IndexExpr? Apply(IndexExpr x) => x;
}
