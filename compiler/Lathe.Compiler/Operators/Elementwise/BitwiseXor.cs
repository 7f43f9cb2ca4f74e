using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The bits set in one only.</summary>
public sealed record BitwiseXor : BinaryOperator, IOp<BitwiseXor>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("BitwiseXor", 2, 2);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsInteger();

    /// <inheritdoc/>
    protected override double Apply(double a, double b) => throw new InvalidOperationException("BitwiseXor has no meaning on floats.");

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 b) => a ^ b;

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr b) => a ^ b;
}
