using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The sum of the inputs.</summary>
public sealed record Sum : VariadicOperator, IOp<Sum>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Sum", 1, int.MaxValue);

    /// <inheritdoc/>
    protected override double Combine(double a, double b) => a + b;

    /// <inheritdoc/>
    protected override Expr Combine(Expr a, Expr b) => a + b;
}
