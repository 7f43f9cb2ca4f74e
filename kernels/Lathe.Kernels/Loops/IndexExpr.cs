using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Lathe.Kernels.Loops;

/// <summary>
/// An integer expression over named variables in normal form: a polynomial whose atoms are variables, quotients, remainders, minima,
/// maxima and choices. Two expressions that the normal form makes alike are equal. It serves as the index of a load, the bound of a
/// loop, the dim of a shape and the offset of a buffer. Quotients and remainders are defined for non-negative operands. Immutable.
/// </summary>
/// <remarks>All arithmetic on coefficients is checked: what leaves 64 bits is an <see cref="OverflowException"/>.</remarks>
public sealed class IndexExpr : IEquatable<IndexExpr>
{
    private readonly ImmutableArray<IndexTerm> _terms;
    private string? _text;
    private IndexRange? _range;

    private IndexExpr(ImmutableArray<IndexTerm> terms) => _terms = terms;

    /// <summary>Zero.</summary>
    public static IndexExpr Zero { get; } = new([]);

    /// <summary>One.</summary>
    public static IndexExpr One { get; } = 1;

    /// <summary>The terms in canonical order, without zero coefficients; the constant term has no atoms and comes last.</summary>
    public ImmutableArray<IndexTerm> Terms => _terms;

    /// <summary>The constant term.</summary>
    public long Constant => _terms.Length > 0 && _terms[^1].Atoms.Length == 0 ? _terms[^1].Coefficient : 0;

    /// <summary>True if there is no atom in it.</summary>
    public bool IsConstant => _terms.Length == 0 || (_terms.Length == 1 && _terms[0].Atoms.Length == 0);

    /// <summary>The value of a constant.</summary>
    /// <exception cref="InvalidOperationException">It is not a constant.</exception>
    public long Value => IsConstant ? Constant : throw new InvalidOperationException($"'{this}' is not a constant.");

    /// <summary>The least and the greatest value that it can take, by interval arithmetic over the ranges of its variables.</summary>
    public IndexRange Range => _range ??= ComputeRange();

    /// <summary>Every variable in it, also inside atoms, each once, in order of first appearance.</summary>
    public IEnumerable<IndexVar> Variables => _terms.SelectMany(t => t.Atoms).SelectMany(a => a.Variables).Distinct();

    /// <summary>A constant.</summary>
    public static implicit operator IndexExpr(long value) => value == 0 ? Zero : new([new IndexTerm(value, [])]);

    /// <summary>A variable.</summary>
    public static implicit operator IndexExpr(IndexVar variable) => FromAtom(variable);

    /// <summary>The sum.</summary>
    public static IndexExpr operator +(IndexExpr a, IndexExpr b) => FromTerms(a._terms.Concat(b._terms));

    /// <summary>The difference.</summary>
    public static IndexExpr operator -(IndexExpr a, IndexExpr b) => a + (b * -1);

    /// <summary>The negative.</summary>
    public static IndexExpr operator -(IndexExpr a) => a * -1;

    /// <summary>The product.</summary>
    public static IndexExpr operator *(IndexExpr a, IndexExpr b)
    {
        if (a.IsConstant && a.Constant == 1) return b;
        if (b.IsConstant && b.Constant == 1) return a;
        return FromTerms(from x in a._terms from y in b._terms select x * y);
    }

    /// <summary>The quotient of non-negative operands, rounded down.</summary>
    /// <exception cref="DivideByZeroException">The divisor is the constant zero.</exception>
    public static IndexExpr operator /(IndexExpr a, IndexExpr b) => Divide(a, b).Quotient;

    /// <summary>The remainder of non-negative operands.</summary>
    /// <exception cref="DivideByZeroException">The divisor is the constant zero.</exception>
    public static IndexExpr operator %(IndexExpr a, IndexExpr b) => Divide(a, b).Remainder;

    /// <summary>Equality of normal forms.</summary>
    public static bool operator ==(IndexExpr? a, IndexExpr? b) => a is null ? b is null : a.Equals(b);

    /// <summary>Inequality of normal forms.</summary>
    public static bool operator !=(IndexExpr? a, IndexExpr? b) => !(a == b);

    /// <summary>The quotient rounded up.</summary>
    public static IndexExpr CeilDiv(IndexExpr a, IndexExpr b) => (a + b - 1) / b;

    /// <summary>The smaller of two; decided at once where their ranges allow.</summary>
    public static IndexExpr Min(IndexExpr a, IndexExpr b)
    {
        IndexRange difference = (a - b).Range;
        if (difference.Max <= 0) return a;
        if (difference.Min >= 0) return b;
        return string.CompareOrdinal(a.ToString(), b.ToString()) <= 0 ? FromAtom(new IndexMin(a, b)) : FromAtom(new IndexMin(b, a));
    }

    /// <summary>The larger of two; decided at once where their ranges allow.</summary>
    public static IndexExpr Max(IndexExpr a, IndexExpr b)
    {
        IndexRange difference = (a - b).Range;
        if (difference.Min >= 0) return a;
        if (difference.Max <= 0) return b;
        return string.CompareOrdinal(a.ToString(), b.ToString()) <= 0 ? FromAtom(new IndexMax(a, b)) : FromAtom(new IndexMax(b, a));
    }

    /// <summary><paramref name="then"/> where a &lt; b, otherwise <paramref name="otherwise"/>; decided at once where ranges allow.</summary>
    public static IndexExpr IfLess(IndexExpr a, IndexExpr b, IndexExpr then, IndexExpr otherwise)
    {
        IndexRange difference = (a - b).Range;
        if (difference.Max < 0) return then;
        if (difference.Min >= 0) return otherwise;
        return then == otherwise ? then : FromAtom(new IndexSelect(a, b, then, otherwise));
    }

    /// <summary>The product of all, 1 for none.</summary>
    public static IndexExpr Product(IEnumerable<IndexExpr> factors) => factors.Aggregate(One, (a, b) => a * b);

    /// <summary>An expression of one atom.</summary>
    public static IndexExpr FromAtom(IndexAtom atom) => new([new IndexTerm(1, [atom])]);

    /// <summary>The sum of terms in any order.</summary>
    public static IndexExpr FromTerms(IEnumerable<IndexTerm> terms)
    {
        Dictionary<string, IndexTerm> sums = new(StringComparer.Ordinal);
        foreach (IndexTerm term in terms)
        {
            string key = term.Key;
            sums[key] = sums.TryGetValue(key, out IndexTerm same) ? same with { Coefficient = checked(same.Coefficient + term.Coefficient) } : term;
        }

        ImmutableArray<IndexTerm> sorted = Sort(sums.Values);
        return Recombine(sorted) is { } simpler ? simpler : new IndexExpr(sorted);
    }

    /// <summary>The value for given variables.</summary>
    /// <exception cref="OverflowException">An intermediate value does not fit 64 bits.</exception>
    public long Evaluate(Func<IndexVar, long> value)
    {
        long sum = 0;
        foreach (IndexTerm term in _terms)
        {
            long product = term.Coefficient;
            foreach (IndexAtom atom in term.Atoms) product = checked(product * atom.Evaluate(value));
            sum = checked(sum + product);
        }

        return sum;
    }

    /// <summary>The expression with variables replaced; null leaves one as it is.</summary>
    public IndexExpr Substitute(Func<IndexVar, IndexExpr?> replacement)
    {
        if (IsConstant) return this;
        IndexExpr sum = Zero;
        foreach (IndexTerm term in _terms)
        {
            IndexExpr product = term.Coefficient;
            foreach (IndexAtom atom in term.Atoms) product *= atom.Substitute(replacement);
            sum += product;
        }

        return sum;
    }

    /// <summary>The expression with one variable replaced.</summary>
    public IndexExpr Substitute(IndexVar variable, IndexExpr replacement) => Substitute(v => v == variable ? replacement : null);

    /// <summary>True if the variable occurs, also inside an atom.</summary>
    public bool DependsOn(IndexVar variable) => _terms.Any(t => t.Atoms.Any(a => a.Variables.Contains(variable)));

    /// <summary>
    /// The constant factor of a variable, or null if the expression is not of the form <c>c * variable + rest</c> with a constant c and a
    /// rest without the variable. 0 if the variable does not occur.
    /// </summary>
    public long? Coefficient(IndexVar variable)
    {
        long coefficient = 0;
        foreach (IndexTerm term in _terms)
        {
            if (!term.Atoms.Any(a => a.Variables.Contains(variable))) continue;
            if (term.Atoms is not [IndexVar only] || only != variable) return null;
            coefficient = term.Coefficient;
        }

        return coefficient;
    }

    /// <inheritdoc/>
    public bool Equals(IndexExpr? other) => other is not null && (ReferenceEquals(this, other) || ToString() == other.ToString());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as IndexExpr);

    /// <inheritdoc/>
    public override int GetHashCode() => string.GetHashCode(ToString(), StringComparison.Ordinal);

    /// <summary>The text form, such as <c>16*c/16 + n mod 4 - 1</c>; the IR parser reads it back.</summary>
    public override string ToString()
    {
        if (_text is not null) return _text;
        if (_terms.Length == 0) return _text = "0";
        StringBuilder text = new();
        foreach (IndexTerm term in _terms)
        {
            long magnitude = term.Coefficient;
            if (text.Length > 0)
            {
                text.Append(magnitude < 0 ? " - " : " + ");
                if (magnitude < 0 && magnitude != long.MinValue) magnitude = -magnitude;
            }

            if (term.Atoms.Length == 0) text.Append(magnitude.ToString(CultureInfo.InvariantCulture));
            else text.Append(magnitude == 1 ? term.Key : magnitude == -1 ? $"-{term.Key}" : $"{magnitude.ToString(CultureInfo.InvariantCulture)}*{term.Key}");
        }

        return _text = text.ToString();
    }

    private static ImmutableArray<IndexTerm> Sort(IEnumerable<IndexTerm> terms) =>
    [
        .. terms.Where(t => t.Coefficient != 0)
            .OrderBy(t => t.Atoms.Length == 0)
            .ThenBy(t => t.Key, StringComparer.Ordinal),
    ];

    /// <summary>c*k*(x div k) + c*(x mod k) = c*x.</summary>
    private static IndexExpr? Recombine(ImmutableArray<IndexTerm> terms)
    {
        for (int i = 0; i < terms.Length; i++)
        {
            foreach (IndexAtom atom in terms[i].Atoms)
            {
                if (atom is not IndexMod { Divisor: { IsConstant: true, Constant: var k } } mod) continue;
                ImmutableArray<IndexAtom> rest = terms[i].Atoms.Remove(atom);
                string wanted = IndexTerm.KeyOf([.. rest, new IndexDiv(mod.Operand, k)]);
                for (int j = 0; j < terms.Length; j++)
                {
                    if (terms[j].Key != wanted || terms[j].Coefficient != terms[i].Coefficient * k) continue;
                    IndexExpr whole = new IndexExpr([new IndexTerm(terms[i].Coefficient, rest)]) * mod.Operand;
                    return FromTerms(terms.Where((_, n) => n != i && n != j).Concat(whole._terms));
                }
            }
        }

        return null;
    }

    private static (IndexExpr Quotient, IndexExpr Remainder) Divide(IndexExpr a, IndexExpr b)
    {
        if (b.IsConstant)
        {
            long k = b.Constant;
            if (k == 0) throw new DivideByZeroException($"'{a}' is divided by zero.");
            if (k == 1) return (a, Zero);
            if (k > 1) return DivideBy(a, k);
        }
        else if (a.Range is { Min: >= 0 } range && range.Max < b.Range.Min)
        {
            return (Zero, a);
        }
        else if (a == b)
        {
            return (One, Zero);
        }
        else if (QuotientOfTerms(a, b) is { } exact)
        {
            return (exact, Zero);
        }

        return (FromAtom(new IndexDiv(a, b)), FromAtom(new IndexMod(a, b)));
    }

    /// <summary>(k*q + r) div k = q + r div k, and with a common factor g of r's terms and k, r div k = (r/g) div (k/g).</summary>
    private static (IndexExpr, IndexExpr) DivideBy(IndexExpr a, long k)
    {
        // r keeps the part of the constant that is below k, so that it stays non-negative where a is.
        List<IndexTerm> quotient = [], rest = [];
        foreach (IndexTerm term in a._terms)
        {
            if (term.Coefficient % k == 0) quotient.Add(term with { Coefficient = term.Coefficient / k });
            else if (term.Atoms.Length == 0)
            {
                long floor = Math.DivRem(term.Coefficient, k, out long below);
                if (below < 0) (floor, below) = (floor - 1, below + k);
                quotient.Add(term with { Coefficient = floor });
                rest.Add(term with { Coefficient = below });
            }
            else rest.Add(term);
        }

        IndexExpr q = FromTerms(quotient), r = FromTerms(rest);
        // Taking k*q out is right only where the rest stays non-negative; otherwise the operand is divided as it stands.
        if (r.Range.Min < 0) (q, r) = (Zero, a);
        if (r.Range.Min >= 0 && r.Range.Max < k) return (q, r);

        long common = k;
        foreach (IndexTerm term in r._terms)
            if (term.Atoms.Length > 0) common = Gcd(common, Math.Abs(term.Coefficient));
        if (common > 1 && r.Range.Min >= 0)
        {
            long low = r.Constant % common;
            IndexExpr shrunk = FromTerms((r - low)._terms.Select(t => t with { Coefficient = t.Coefficient / common }));
            (IndexExpr innerQuotient, IndexExpr innerRest) = Divide(shrunk, k / common);
            return (q + innerQuotient, (innerRest * common) + low);
        }

        // ((x div m) div k) = x div (m*k).
        if (r._terms is [{ Coefficient: 1, Atoms: [IndexDiv { Divisor: { IsConstant: true, Constant: var m } } inner] }])
        {
            IndexExpr nested = inner.Operand / checked(m * k);
            return (q + nested, r - (nested * k));
        }

        return (q + FromAtom(new IndexDiv(r, k)), FromAtom(new IndexMod(r, k)));
    }

    /// <summary>a / b where every term of a holds the single term of b.</summary>
    private static IndexExpr? QuotientOfTerms(IndexExpr a, IndexExpr b)
    {
        if (b._terms.Length != 1) return null;
        IndexTerm divisor = b._terms[0];
        List<IndexTerm> quotient = [];
        foreach (IndexTerm term in a._terms)
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

        return FromTerms(quotient);
    }

    private static long Gcd(long a, long b) => b == 0 ? a : Gcd(b, a % b);

    private IndexRange ComputeRange()
    {
        IndexRange sum = new(0, 0);
        foreach (IndexTerm term in _terms)
        {
            IndexRange product = new(term.Coefficient, term.Coefficient);
            foreach (IndexAtom atom in term.Atoms) product *= atom.Range;
            sum += product;
        }

        return sum;
    }
}
