using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>True where both are true.</summary>
public sealed record And : BinaryOperator, IOp<And>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("And", 2, 2);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element == ElementType.Bool;

    /// <inheritdoc/>
    protected override double Apply(double a, double b) => throw new InvalidOperationException("And has no meaning on floats.");

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 b) => a & b;

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr b) => a & b;
}
