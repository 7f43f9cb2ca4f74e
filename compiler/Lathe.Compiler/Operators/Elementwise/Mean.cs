using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The mean of the inputs.</summary>
public sealed record Mean : VariadicOperator, IOp<Mean>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Mean", 1, int.MaxValue);

    /// <inheritdoc/>
    protected override double Combine(double a, double b) => a + b;

    /// <inheritdoc/>
    protected override Expr Combine(Expr a, Expr b) => a + b;

    /// <inheritdoc/>
    protected override double Finish(double all, int count) => all / count;

    /// <inheritdoc/>
    protected override Expr Finish(Expr all, int count) => all * (1.0 / count);
}
