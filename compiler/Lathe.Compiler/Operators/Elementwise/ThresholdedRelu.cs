using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x where x > α, otherwise 0.</summary>
public sealed record ThresholdedRelu(float Alpha = 1f) : UnaryOperator, IOp<ThresholdedRelu>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ThresholdedRelu", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => x > Alpha ? x : 0;

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => (x > Alpha).Choose(x, Const.Of(x.Type, 0));
}
