using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>|x|.</summary>
public sealed record Abs : UnaryOperator, IOp<Abs>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Abs", 1, 1);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element.IsInteger();

    /// <inheritdoc/>
    protected override double Apply(double x) => Math.Abs(x);

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 x) => Int128.Abs(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Type.Element.IsUnsigned() ? x : x.Of(UnaryOp.Abs);

    /// <inheritdoc/>
    protected override IndexExpr? Apply(IndexExpr x) => x.Range.Min >= 0 ? x : x.Range.Max <= 0 ? -x : null;
}
