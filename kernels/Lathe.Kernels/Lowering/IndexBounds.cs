using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Lowering;

/// <summary>Interval arithmetic that leaves outer variables symbolic: the bounds of an index while some variables run.</summary>
internal static class IndexBounds
{
    /// <summary>The least and the greatest value while each variable that <paramref name="extents"/> knows runs from 0 below its extent.</summary>
    public static (IndexExpr Lo, IndexExpr Hi)? Of(IndexExpr index, IReadOnlyDictionary<IndexVar, IndexExpr> extents)
    {
        IndexExpr lo = IndexExpr.Zero, hi = IndexExpr.Zero;
        foreach (IndexTerm term in index.Terms)
        {
            (IndexExpr termLo, IndexExpr termHi) = (IndexExpr.One, IndexExpr.One);
            foreach (IndexAtom atom in term.Atoms)
            {
                // The product of bounds is the bound of a product only where nothing is negative.
                if (Of(atom, extents) is not { } bounds || bounds.Lo.Range.Min < 0) return null;
                (termLo, termHi) = (termLo * bounds.Lo, termHi * bounds.Hi);
            }

            (lo, hi) = term.Coefficient >= 0
                ? (lo + (termLo * term.Coefficient), hi + (termHi * term.Coefficient))
                : (lo + (termHi * term.Coefficient), hi + (termLo * term.Coefficient));
        }

        return (lo, hi);
    }

    private static (IndexExpr Lo, IndexExpr Hi)? Of(IndexAtom atom, IReadOnlyDictionary<IndexVar, IndexExpr> extents)
    {
        if (atom is IndexVar variable) return extents.TryGetValue(variable, out IndexExpr? extent) ? (IndexExpr.Zero, extent - 1) : (variable, variable);
        if (!atom.Variables.Any(extents.ContainsKey)) return (IndexExpr.FromAtom(atom), IndexExpr.FromAtom(atom));
        switch (atom)
        {
            case IndexDiv { Divisor.IsConstant: true } a when Of(a.Operand, extents) is { } x && x.Lo.Range.Min >= 0:
                return (x.Lo / a.Divisor, x.Hi / a.Divisor);
            case IndexMod { Divisor.IsConstant: true } a:
                return (IndexExpr.Zero, a.Divisor - 1);
            case IndexMin a when Of(a.A, extents) is { } x && Of(a.B, extents) is { } y:
                return (IndexExpr.Min(x.Lo, y.Lo), IndexExpr.Min(x.Hi, y.Hi));
            case IndexMax a when Of(a.A, extents) is { } x && Of(a.B, extents) is { } y:
                return (IndexExpr.Max(x.Lo, y.Lo), IndexExpr.Max(x.Hi, y.Hi));
            default:
                return null;
        }
    }
}
