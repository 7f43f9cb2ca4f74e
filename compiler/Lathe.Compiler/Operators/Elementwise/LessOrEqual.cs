using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>a ≤ b.</summary>
public sealed record LessOrEqual : BinaryOperator, IOp<LessOrEqual>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("LessOrEqual", 2, 2);

    /// <inheritdoc/>
    protected override ElementType ResultElement(ElementType element) => ElementType.Bool;

    /// <inheritdoc/>
    protected override double Apply(double a, double b) => a <= b ? 1 : 0;

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 b) => a <= b ? 1 : 0;

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr b) => a <= b;
}
