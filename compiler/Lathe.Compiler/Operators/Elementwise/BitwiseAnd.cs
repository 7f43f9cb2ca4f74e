using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The bits set in both.</summary>
public sealed record BitwiseAnd : BinaryOperator, IOp<BitwiseAnd>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("BitwiseAnd", 2, 2);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsInteger();

    /// <inheritdoc/>
    protected override double Apply(double a, double b) => throw new InvalidOperationException("BitwiseAnd has no meaning on floats.");

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 b) => a & b;

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr b) => a & b;
}
