using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x + bias where x &lt; -λ, x - bias where x > λ, otherwise 0.</summary>
public sealed record Shrink(float Bias = 0f, float Lambd = 0.5f) : UnaryOperator, IOp<Shrink>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Shrink", 1, 1);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element.IsInteger();

    /// <inheritdoc/>
    protected override double Apply(double x) => x < -Lambd ? x + Bias : x > Lambd ? x - Bias : 0;

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 x) => (Int128)Apply((double)x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x)
    {
        Expr value = x.Type.Element.IsFloat() ? x : x.To(ElementType.Float64);
        return (value < -Lambd).Choose(value + Bias, (value > Lambd).Choose(value - Bias, Const.Of(value.Type, 0))).To(x.Type.Element);
    }
}
