using System.Collections.Immutable;

namespace Lathe.Kernels.Loops;

/// <summary>
/// The rules for quotients and remainders. Each holds for division that rounds down, whatever the signs; where a rule changes what is
/// divided it also keeps the operand non-negative, because targets truncate.
/// </summary>
internal static class IndexDivision
{
    /// <summary>The quotient and the remainder.</summary>
    public static (IndexExpr Quotient, IndexExpr Remainder) Divide(IndexExpr a, IndexExpr b)
    {
        if (b.IsConstant)
        {
            long k = b.Constant;
            if (k == 0) throw new DivideByZeroException($"'{a}' is divided by zero.");
            if (k < 0) throw new ArgumentOutOfRangeException(nameof(b), k, $"'{a}' is divided by a negative number.");
            return k == 1 ? (a, IndexExpr.Zero) : ByConstant(a, k);
        }

        if (a.Range is { Min: >= 0 } range && range.Max < b.Range.Min) return (IndexExpr.Zero, a);
        if (a == b) return (IndexExpr.One, IndexExpr.Zero);
        if (ByTerm(a, b) is { } exact) return (exact, IndexExpr.Zero);
        return Atoms(a, b);
    }

    /// <summary>c*k*(x div k) + c*(x mod k) = c*x, and the same with a remainder of a quotient; null if there is nothing to combine.</summary>
    public static IndexExpr? Recombine(ImmutableArray<IndexTerm> terms)
    {
        for (int i = 0; i < terms.Length; i++)
        {
            IndexTerm low = terms[i];
            for (int at = 0; at < low.Atoms.Length; at++)
            {
                if (low.Atoms[at] is not IndexMod { Divisor: { IsConstant: true, Constant: var k } } mod) continue;
                Int128 wanted = (Int128)low.Coefficient * k;
                IndexTerm rest = low.Without(at);
                for (int j = 0; j < terms.Length; j++)
                {
                    if (j == i || terms[j].Coefficient != wanted || Whole(terms[j], rest, mod, k) is not { } whole) continue;
                    return IndexExpr.FromTerms(terms.Where((_, n) => n != i && n != j).Concat((whole * IndexExpr.FromTerms([rest])).Terms));
                }
            }
        }

        return null;
    }

    /// <summary>x if the term is rest*(x div k), (x + s*k) mod m*k if it is rest*(((x div k) + s) mod m), where the remainder is x mod k.</summary>
    private static IndexExpr? Whole(IndexTerm high, IndexTerm rest, IndexMod mod, long k)
    {
        if (high.Atoms.Length != rest.Atoms.Length + 1) return null;
        for (int at = 0; at < high.Atoms.Length; at++)
        {
            (IndexExpr quotient, IndexExpr? modulus) = high.Atoms[at] switch
            {
                IndexDiv div => (IndexExpr.FromAtom(div), null),
                IndexMod { Divisor.IsConstant: true } outer => (outer.Operand, outer.Divisor),
                _ => (IndexExpr.Zero, (IndexExpr?)null),
            };
            if (quotient == IndexExpr.Zero || high.Without(at).Key != rest.Key) continue;
            IndexExpr shift = quotient - (mod.Operand / k);
            if (shift == IndexExpr.Zero) return modulus is null ? mod.Operand : mod.Operand % (modulus * k);
            // ((x div k) + s) mod m is ((x + s*k) div k) mod m, and x mod k is (x + s*k) mod k.
            if (modulus is not null && shift.Terms.Length < quotient.Terms.Length && shift.Range is { Min: >= 0, Max: < int.MaxValue }) return (mod.Operand + (shift * k)) % (modulus * k);
        }

        return null;
    }

    private static (IndexExpr, IndexExpr) ByConstant(IndexExpr a, long k)
    {
        // (k*q + r) div k = q + r div k, if r stays non-negative.
        (IndexExpr q, IndexExpr r) = Split(a, k);
        if (r.Range.Min < 0) (q, r) = (IndexExpr.Zero, a);
        if (r.Range is { Min: >= 0, Max: < long.MaxValue } range && range.Min / k == range.Max / k) return (q + (range.Min / k), r - (range.Min / k * k));

        if (r.Range.Min >= 0 && ByFactor(r, k) is var (shrunk, factor, low))
        {
            (IndexExpr innerQuotient, IndexExpr innerRest) = Divide(shrunk, k / factor);
            return (q + innerQuotient, (innerRest * factor) + low);
        }

        if (r.Terms is [{ Coefficient: 1, Atoms: [var atom] }])
        {
            switch (atom)
            {
                // (x div m) div k = x div m*k.
                case IndexDiv { Divisor: { IsConstant: true, Constant: var m } } inner when m <= long.MaxValue / k:
                    return (q + (inner.Operand / (m * k)), IndexExpr.FromAtom(new IndexMod(r, k)));

                // (x mod m) div k = (x div k) mod (m/k) and (x mod m) mod k = x mod k, for a divisor k of m.
                case IndexMod { Divisor: { IsConstant: true, Constant: var m } } inner when m % k == 0:
                    return (q + (inner.Operand / k % (m / k)), inner.Operand % k);
            }
        }

        (IndexExpr quotient, IndexExpr rest) = Atoms(r, k);
        return (q + quotient, rest);
    }

    /// <summary>q and r with a = k*q + r and r's coefficients below k, as far as they are positive; of the constant in any case.</summary>
    private static (IndexExpr Quotient, IndexExpr Remainder) Split(IndexExpr a, long k)
    {
        List<IndexTerm> quotient = [], rest = [];
        foreach (IndexTerm term in a.Terms)
        {
            long whole = term.Coefficient > 0 || term.Atoms.Length == 0 ? IndexRange.FloorDiv(term.Coefficient, k) : term.Coefficient % k == 0 ? term.Coefficient / k : 0;
            long below = term.Coefficient - (whole * k);
            if (whole != 0) quotient.Add(term with { Coefficient = whole });
            if (below != 0) rest.Add(term with { Coefficient = below });
        }

        return (IndexExpr.FromTerms(quotient), IndexExpr.FromTerms(rest));
    }

    /// <summary>
    /// s, g and low with r = g*s + low, g a divisor of k and 0 ≤ low &lt; g, so that r div k = s div (k/g) and r mod k = g*(s mod (k/g)) + low.
    /// </summary>
    private static (IndexExpr Shrunk, long Factor, IndexExpr Low)? ByFactor(IndexExpr r, long k)
    {
        foreach (long factor in r.Terms.Where(t => t.Atoms.Length > 0).Select(t => Gcd(k, Math.Abs(t.Coefficient))).Where(g => g > 1).Distinct().OrderDescending())
        {
            (IndexExpr shrunk, IndexExpr low) = Split(r, factor);
            if (low.Range.Min >= 0 && low.Range.Max < factor) return (shrunk, factor, low);
        }

        return null;
    }

    private static (IndexExpr, IndexExpr) Atoms(IndexExpr a, IndexExpr b) => (IndexExpr.FromAtom(new IndexDiv(a, b)), IndexExpr.FromAtom(new IndexMod(a, b)));

    /// <summary>a / b where every term of a holds the single term of b.</summary>
    private static IndexExpr? ByTerm(IndexExpr a, IndexExpr b)
    {
        if (b.Terms is not [var divisor]) return null;
        List<IndexTerm> quotient = [];
        foreach (IndexTerm term in a.Terms)
        {
            if (term.Coefficient % divisor.Coefficient != 0) return null;
            ImmutableArray<IndexAtom> rest = term.Atoms;
            foreach (IndexAtom atom in divisor.Atoms)
            {
                int at = rest.IndexOf(atom);
                if (at < 0) return null;
                rest = rest.RemoveAt(at);
            }

            quotient.Add(new IndexTerm(term.Coefficient / divisor.Coefficient, rest));
        }

        return IndexExpr.FromTerms(quotient);
    }

    private static long Gcd(long a, long b) => b == 0 ? a : Gcd(b, a % b);
}
