using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>a = b.</summary>
public sealed record Equal : BinaryOperator, IOp<Equal>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Equal", 2, 2);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element.IsInteger() || element == ElementType.Bool;

    /// <inheritdoc/>
    protected override ElementType ResultElement(ElementType element) => ElementType.Bool;

    /// <inheritdoc/>
    protected override double Apply(double a, double b) => a == b ? 1 : 0;

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 b) => a == b ? 1 : 0;

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr b) => a.EqualTo(b);

    /// <inheritdoc/>
    protected override IndexExpr? Apply(IndexExpr a, IndexExpr b, ElementType element) => (a - b).Range switch
    {
        { Min: 0, Max: 0 } => IndexExpr.One,
        { Min: > 0 } or { Max: < 0 } => IndexExpr.Zero,
        _ => null,
    };
}
