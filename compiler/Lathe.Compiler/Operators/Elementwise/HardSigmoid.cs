using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>max(0, min(1, αx + β)).</summary>
public sealed record HardSigmoid(float Alpha = 0.2f, float Beta = 0.5f) : UnaryOperator, IOp<HardSigmoid>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("HardSigmoid", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Clamp((Alpha * x) + Beta, 0, 1);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => Const.Of(x.Type, 0).Max(Const.Of(x.Type, 1).Min((x * Alpha) + Beta));
}
