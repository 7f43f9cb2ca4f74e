using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The complement of every bit.</summary>
public sealed record BitwiseNot : UnaryOperator, IOp<BitwiseNot>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("BitwiseNot", 1, 1);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsInteger();

    /// <inheritdoc/>
    protected override double Apply(double x) => throw new InvalidOperationException("BitwiseNot has no meaning on floats.");

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 x) => ~x;

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => !x;
}
