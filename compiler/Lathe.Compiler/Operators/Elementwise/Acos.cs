using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The inverse cosine.</summary>
public sealed record Acos : UnaryOperator, IOp<Acos>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Acos", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Acos(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Acos);
}
