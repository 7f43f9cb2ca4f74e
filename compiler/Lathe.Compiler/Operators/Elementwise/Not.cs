using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The negation of a bool.</summary>
public sealed record Not : UnaryOperator, IOp<Not>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Not", 1, 1);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element == ElementType.Bool;

    /// <inheritdoc/>
    protected override double Apply(double x) => throw new InvalidOperationException("Not has no meaning on floats.");

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 x) => x == 0 ? 1 : 0;

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => !x;

    /// <inheritdoc/>
    protected override IndexExpr Apply(IndexExpr x) => 1 - x;
}
