using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The nearest integer, ties to even.</summary>
public sealed record Round : UnaryOperator, IOp<Round>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Round", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Round(x, MidpointRounding.ToEven);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Round);

    /// <inheritdoc/>
    protected override IndexExpr? Apply(IndexExpr x) => x;
}
