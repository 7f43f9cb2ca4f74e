namespace Lathe.Compiler.Operators.Reductions;

/// <summary>The sums of all elements up to each one along an axis.</summary>
public sealed record CumSum(bool Exclusive = false, bool Reverse = false) : CumulativeOperator(Exclusive, Reverse), IOp<CumSum>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("CumSum", 2, 2);

    /// <inheritdoc/>
    protected override bool IsProduct => false;
}
