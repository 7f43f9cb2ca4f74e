namespace Lathe.Compiler.Operators.Reductions;

/// <summary>The products of all elements up to each one along an axis.</summary>
public sealed record CumProd(bool Exclusive = false, bool Reverse = false) : CumulativeOperator(Exclusive, Reverse), IOp<CumProd>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("CumProd", 2, 2);

    /// <inheritdoc/>
    protected override bool IsProduct => true;
}
