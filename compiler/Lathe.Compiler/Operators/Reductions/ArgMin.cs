using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>The index along an axis of the least element.</summary>
public sealed record ArgMin(long Axis = 0, bool Keepdims = true, bool SelectLastIndex = false) : ArgOperator(Axis, Keepdims, SelectLastIndex), IOp<ArgMin>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ArgMin", 1, 1);

    /// <inheritdoc/>
    protected override bool IsBetter(double a, double b) => a < b;

    /// <inheritdoc/>
    protected override bool IsBetter(Int128 a, Int128 b) => a < b;

    /// <inheritdoc/>
    protected override Expr IsBetter(Expr a, Expr b) => a < b;

    /// <inheritdoc/>
    protected override Expr Better(Expr running, Expr element) => element.Min(running);

    /// <inheritdoc/>
    protected override Expr Worst(ElementType element) => Elements.Highest(element);
}
