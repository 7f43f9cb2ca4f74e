using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The cosine.</summary>
public sealed record Cos : UnaryOperator, IOp<Cos>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Cos", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Cos(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Cos);
}
