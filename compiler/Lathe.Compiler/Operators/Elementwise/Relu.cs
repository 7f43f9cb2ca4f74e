using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>max(x, 0). A NaN stays one.</summary>
public sealed record Relu : UnaryOperator, IOp<Relu>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Relu", 1, 1);

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element.IsSigned();

    /// <inheritdoc/>
    protected override double Apply(double x) => x < 0 ? 0 : x;

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 x) => Int128.Max(x, 0);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => Const.Of(x.Type, 0).Max(x);
}
