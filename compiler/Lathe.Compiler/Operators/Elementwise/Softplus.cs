using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>log(1 + e^x), as max(x, 0) + log(1 + e^-|x|), which does not overflow.</summary>
public sealed record Softplus : UnaryOperator, IOp<Softplus>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Softplus", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Max(x, 0) + SpecialFunctions.LogPlusOne(Math.Exp(-Math.Abs(x)));

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => Const.Of(x.Type, 0).Max(x) + SpecialFunctions.LogPlusOne((-x.Of(UnaryOp.Abs)).Of(UnaryOp.Exp));
}
