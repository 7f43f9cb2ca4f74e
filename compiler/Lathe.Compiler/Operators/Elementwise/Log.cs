using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The natural logarithm.</summary>
public sealed record Log : UnaryOperator, IOp<Log>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Log", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Log(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Log);
}
