using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x * max(0, min(1, x/6 + 1/2)).</summary>
public sealed record HardSwish : UnaryOperator, IOp<HardSwish>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("HardSwish", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => x * Math.Clamp((x / 6) + 0.5, 0, 1);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x * Const.Of(x.Type, 0).Max(Const.Of(x.Type, 1).Min((x * (1.0 / 6)) + 0.5));
}
