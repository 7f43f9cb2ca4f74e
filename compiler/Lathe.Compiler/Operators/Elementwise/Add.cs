using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>a + b.</summary>
public sealed record Add : BinaryOperator, IOp<Add>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Add", 2, 2);

    /// <inheritdoc/>
    protected override double Apply(double a, double b) => a + b;

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 b) => a + b;

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr b) => a + b;

    /// <inheritdoc/>
    protected override IndexExpr? Apply(IndexExpr a, IndexExpr b, ElementType element) => a + b;
}
