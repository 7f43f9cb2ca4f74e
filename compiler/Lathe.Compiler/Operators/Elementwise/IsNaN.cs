using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>True for a NaN.</summary>
public sealed record IsNaN : UnaryOperator, IOp<IsNaN>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("IsNaN", 1, 1);

    /// <inheritdoc/>
    protected override ElementType ResultElement(ElementType element) => ElementType.Bool;

    /// <inheritdoc/>
    protected override double Apply(double x) => double.IsNaN(x) ? 1 : 0;

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.IsNaN);
}
