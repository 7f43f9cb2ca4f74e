using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Verification;

/// <summary>What the final dialect asks of types and indices, so that targets need no analysis.</summary>
internal sealed class FinalRules(int vectorBytes)
{
    /// <summary>
    /// What is wrong with a type: a vector fills a register, or has as many lanes as one of four bytes with narrower elements to be widened,
    /// or is four bytes that are taken as bits.
    /// </summary>
    public string? Vector(VectorType type)
    {
        int size = type.Element.Size();
        bool fits = type.Lanes == 1
            || type.Lanes * size == vectorBytes
            || type.Lanes * size == 4
            || (type.Lanes * 4 == vectorBytes && size <= 4)
            || (type.Element == ElementType.Bool && type.Lanes * 8 == vectorBytes);
        return fits ? null : $"a {type} is no vector of {vectorBytes} bytes";
    }

    /// <summary>What is wrong with a transposed block.</summary>
    public string? Transpose(TransposeBlock block) => Math.Max(block.Rows, block.Columns) * 4 > vectorBytes ? $"a block of {block.Rows} by {block.Columns} exceeds vectors of {vectorBytes} bytes" : null;

    /// <summary>What is wrong with an address.</summary>
    public string? Address(string buffer, IndexExpr index) => index.IsConstant ? null : $"the address {buffer}[{index}] is no pointer plus a constant";

    /// <summary>What is wrong with an index outside of an index definition or a loop bound.</summary>
    public static string? Atoms(IndexExpr index) =>
        index.Terms.Any(t => t.Atoms.Any(a => a is not IndexVar)) ? $"'{index}' has quotients, remainders, minima, maxima or choices, which need a name" : null;

    /// <summary>All that is wrong in an expression.</summary>
    public IEnumerable<string> Problems(Expr expression)
    {
        foreach (Expr part in ExprWalk.All(expression))
        {
            if (Vector(part.Type) is { } wrong) yield return wrong;
            string? index = part switch
            {
                Load load => Address(load.Buffer, load.Index),
                IndexValue value => Atoms(value.Index),
                FirstLanes first => Atoms(first.Count),
                _ => null,
            };
            if (index is not null) yield return index;
        }
    }
}
