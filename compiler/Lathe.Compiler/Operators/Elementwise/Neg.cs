using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>-x.</summary>
public sealed record Neg : UnaryOperator, IOp<Neg>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Neg", 1, 1);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element.IsSigned();

    /// <inheritdoc/>
    protected override double Apply(double x) => -x;

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 x) => -x;

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => -x;

    /// <inheritdoc/>
    protected override IndexExpr? Apply(IndexExpr x) => -x;
}
