using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>-1, 0 or 1; a NaN stays one.</summary>
public sealed record Sign : UnaryOperator, IOp<Sign>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Sign", 1, 1);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element.IsInteger();

    /// <inheritdoc/>
    protected override double Apply(double x) => double.IsNaN(x) ? x : Math.Sign(x);

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 x) => Int128.Sign(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => (x > 0).Choose(
        Const.Of(x.Type, 1),
        x.Type.Element.IsUnsigned() ? x : (x < 0).Choose(Const.Of(x.Type, -1), x));
}
