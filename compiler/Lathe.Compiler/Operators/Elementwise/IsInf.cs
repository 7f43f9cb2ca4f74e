using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>True for an infinity of a sign that is asked for.</summary>
public sealed record IsInf(bool DetectNegative = true, bool DetectPositive = true) : UnaryOperator, IOp<IsInf>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("IsInf", 1, 1);

    /// <inheritdoc/>
    protected override ElementType ResultElement(ElementType element) => ElementType.Bool;

    /// <inheritdoc/>
    protected override double Apply(double x) => (DetectPositive && double.IsPositiveInfinity(x)) || (DetectNegative && double.IsNegativeInfinity(x)) ? 1 : 0;

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => (DetectNegative, DetectPositive) switch
    {
        (true, true) => x.Of(UnaryOp.Abs).EqualTo(double.PositiveInfinity),
        (false, true) => x.EqualTo(double.PositiveInfinity),
        (true, false) => x.EqualTo(double.NegativeInfinity),
        _ => Const.OfInteger(ElementType.Bool, 0),
    };
}
