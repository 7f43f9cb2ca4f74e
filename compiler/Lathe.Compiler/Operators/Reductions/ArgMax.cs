using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>The index along an axis of the greatest element.</summary>
public sealed record ArgMax(long Axis = 0, bool Keepdims = true, bool SelectLastIndex = false) : ArgOperator(Axis, Keepdims, SelectLastIndex), IOp<ArgMax>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ArgMax", 1, 1);

    /// <inheritdoc/>
    protected override bool IsBetter(double a, double b) => a > b;

    /// <inheritdoc/>
    protected override bool IsBetter(Int128 a, Int128 b) => a > b;

    /// <inheritdoc/>
    protected override Expr IsBetter(Expr a, Expr b) => a > b;

    /// <inheritdoc/>
    protected override Expr Better(Expr running, Expr element) => element.Max(running);

    /// <inheritdoc/>
    protected override Expr Worst(ElementType element) => Elements.Lowest(element);
}
