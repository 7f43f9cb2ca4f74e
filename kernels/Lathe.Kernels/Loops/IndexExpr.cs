using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Lathe.Kernels.Loops;

/// <summary>
/// An integer expression over named variables in normal form: a polynomial whose atoms are variables, quotients, remainders, minima,
/// maxima and choices. Two expressions that the normal form makes alike are equal. It serves as the index of a load, the bound of a
/// loop, the dim of a shape and the offset of a buffer. Quotients and remainders are defined for non-negative operands. Immutable.
/// </summary>
/// <remarks>
/// All arithmetic on coefficients is checked: what leaves 64 bits is an <see cref="OverflowException"/>. Simplification never changes the
/// value of division that rounds down, also of negative operands; <see cref="Evaluate"/> rounds down.
/// </remarks>
public sealed class IndexExpr : IEquatable<IndexExpr>
{
    private readonly ImmutableArray<IndexTerm> _terms;
    private string? _text;
    private StrongBox<IndexRange>? _range;
    private int _hash;

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
    public IndexRange Range => (_range ??= new StrongBox<IndexRange>(ComputeRange())).Value;

    /// <summary>Every variable in it, also inside atoms, each once, in order of first appearance.</summary>
    public IEnumerable<IndexVar> Variables
    {
        get
        {
            List<IndexVar> variables = [];
            Collect(variables);
            return variables;
        }
    }

    /// <summary>A constant.</summary>
    public static implicit operator IndexExpr(long value) => value == 0 ? Zero : new([new IndexTerm(value, [])]);

    /// <summary>A variable.</summary>
    public static implicit operator IndexExpr(IndexVar variable) => FromAtom(variable);

    /// <summary>The sum.</summary>
    public static IndexExpr operator +(IndexExpr a, IndexExpr b)
    {
        if (a._terms.Length == 0) return b;
        return b._terms.Length == 0 ? a : Simplified(Merge(a._terms, b._terms));
    }

    /// <summary>The difference.</summary>
    public static IndexExpr operator -(IndexExpr a, IndexExpr b) => a + (b * -1);

    /// <summary>The negative.</summary>
    public static IndexExpr operator -(IndexExpr a) => a * -1;

    /// <summary>The product.</summary>
    public static IndexExpr operator *(IndexExpr a, IndexExpr b)
    {
        if (b.IsConstant) return a.Times(b.Constant);
        if (a.IsConstant) return b.Times(a.Constant);
        List<IndexTerm> products = new(a._terms.Length * b._terms.Length);
        foreach (IndexTerm x in a._terms)
            foreach (IndexTerm y in b._terms) products.Add(x * y);
        return FromTerms(products);
    }

    /// <summary>The quotient of non-negative operands, rounded down.</summary>
    /// <exception cref="DivideByZeroException">The divisor is the constant zero.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The divisor is a negative constant.</exception>
    public static IndexExpr operator /(IndexExpr a, IndexExpr b) => IndexDivision.Divide(a, b).Quotient;

    /// <summary>The remainder of non-negative operands.</summary>
    /// <exception cref="DivideByZeroException">The divisor is the constant zero.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The divisor is a negative constant.</exception>
    public static IndexExpr operator %(IndexExpr a, IndexExpr b) => IndexDivision.Divide(a, b).Remainder;

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
        IndexTerm[] sorted = [.. terms];
        if (sorted.Length > 1) Array.Sort(sorted, static (a, b) => IndexTerm.Compare(a, b));
        int count = 0;
        for (int i = 0; i < sorted.Length;)
        {
            IndexTerm sum = sorted[i++];
            for (; i < sorted.Length && IndexTerm.Compare(sorted[i], sum) == 0; i++)
                sum = sum with { Coefficient = checked(sum.Coefficient + sorted[i].Coefficient) };
            if (sum.Coefficient != 0) sorted[count++] = sum;
        }

        return Simplified(ImmutableArray.Create(sorted, 0, count));
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
    public IndexExpr Substitute(Func<IndexVar, IndexExpr?> replacement) => Replace(replacement) ?? this;

    /// <summary>The expression with one variable replaced.</summary>
    public IndexExpr Substitute(IndexVar variable, IndexExpr replacement) => Substitute(v => v.Equals(variable) ? replacement : null);

    /// <summary>True if the variable occurs, also inside an atom.</summary>
    public bool DependsOn(IndexVar variable)
    {
        foreach (IndexTerm term in _terms)
            foreach (IndexAtom atom in term.Atoms)
                if (atom.DependsOn(variable)) return true;
        return false;
    }

    /// <summary>What a variable is multiplied by, or null where it is not simply multiplied.</summary>
    public IndexExpr? Factor(IndexVar variable)
    {
        List<IndexTerm> terms = [];
        foreach (IndexTerm term in Terms)
        {
            if (!term.Atoms.Any(a => a.Variables.Contains(variable))) continue;
            if (term.Atoms.Count(a => a.Variables.Contains(variable)) != 1 || !term.Atoms.Contains(variable)) return null;
            terms.Add(new IndexTerm(term.Coefficient, term.Atoms.Remove(variable)));
        }

        return FromTerms(terms);
    }

    /// <summary>
    /// The constant factor of a variable, or null if the expression is not of the form <c>c * variable + rest</c> with a constant c and a
    /// rest without the variable. 0 if the variable does not occur.
    /// </summary>
    public long? Coefficient(IndexVar variable)
    {
        long coefficient = 0;
        foreach (IndexTerm term in _terms)
        {
            if (term.Atoms is [IndexVar only] && only.Equals(variable)) coefficient = term.Coefficient;
            else
            {
                foreach (IndexAtom atom in term.Atoms)
                    if (atom.DependsOn(variable)) return null;
            }
        }

        return coefficient;
    }

    /// <inheritdoc/>
    public bool Equals(IndexExpr? other) =>
        other is not null && (ReferenceEquals(this, other) || (GetHashCode() == other.GetHashCode() && _terms.AsSpan().SequenceEqual(other._terms.AsSpan())));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as IndexExpr);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        if (_hash != 0) return _hash;
        HashCode hash = default;
        foreach (IndexTerm term in _terms) hash.Add(term);
        return _hash = hash.ToHashCode() | 1;
    }

    /// <summary>The text form, such as <c>16*(c div 16) + (n mod 4) - 1</c>; the parser reads it back.</summary>
    public override string ToString()
    {
        if (_text is not null) return _text;
        if (_terms.Length == 0) return _text = "0";
        StringBuilder text = new();
        foreach (IndexTerm term in _terms)
        {
            string magnitude = term.Coefficient.ToString(CultureInfo.InvariantCulture).TrimStart('-');
            bool negative = term.Coefficient < 0;
            text.Append(text.Length == 0 ? negative ? "-" : string.Empty : negative ? " - " : " + ");
            if (term.Atoms.Length == 0) text.Append(magnitude);
            else text.Append(magnitude == "1" ? term.Key : $"{magnitude}*{term.Key}");
        }

        return _text = text.ToString();
    }

    /// <summary>The text, in parentheses where it is more than a number or an atom.</summary>
    internal string AsFactor()
    {
        bool single = _terms is [] or [{ Coefficient: 1, Atoms.Length: 1 }] or [{ Coefficient: >= 0, Atoms.Length: 0 }];
        return single ? ToString() : $"({this})";
    }

    /// <summary>Adds the variables that are not in the list yet.</summary>
    internal void Collect(List<IndexVar> variables)
    {
        foreach (IndexTerm term in _terms)
            foreach (IndexAtom atom in term.Atoms) atom.Collect(variables);
    }

    /// <summary>The expression with variables replaced, or null if none of them occurs.</summary>
    internal IndexExpr? Replace(Func<IndexVar, IndexExpr?> replacement)
    {
        List<IndexTerm>? terms = null;
        for (int i = 0; i < _terms.Length; i++)
        {
            IndexTerm term = _terms[i];
            IndexExpr? product = null;
            for (int j = 0; j < term.Atoms.Length; j++)
            {
                IndexExpr? replaced = term.Atoms[j].Replace(replacement);
                if (replaced is not null && product is null) product = new IndexExpr([new IndexTerm(term.Coefficient, term.Atoms[..j])]);
                if (product is not null) product *= replaced ?? FromAtom(term.Atoms[j]);
            }

            if (product is not null && terms is null) terms = [.. _terms[..i]];
            if (product is not null) terms!.AddRange(product._terms);
            else terms?.Add(term);
        }

        return terms is null ? null : FromTerms(terms);
    }

    private static ImmutableArray<IndexTerm> Merge(ImmutableArray<IndexTerm> a, ImmutableArray<IndexTerm> b)
    {
        IndexTerm[] merged = new IndexTerm[a.Length + b.Length];
        int count = 0, i = 0, j = 0;
        while (i < a.Length && j < b.Length)
        {
            int order = IndexTerm.Compare(a[i], b[j]);
            if (order < 0) merged[count++] = a[i++];
            else if (order > 0) merged[count++] = b[j++];
            else
            {
                long sum = checked(a[i].Coefficient + b[j++].Coefficient);
                if (sum != 0) merged[count++] = a[i] with { Coefficient = sum };
                i++;
            }
        }

        while (i < a.Length) merged[count++] = a[i++];
        while (j < b.Length) merged[count++] = b[j++];
        return count == merged.Length ? ImmutableCollectionsMarshal.AsImmutableArray(merged) : ImmutableArray.Create(merged, 0, count);
    }

    private static IndexExpr Simplified(ImmutableArray<IndexTerm> terms)
    {
        if (terms.Length == 0) return Zero;
        return terms.Length > 1 && IndexDivision.Recombine(terms) is { } simpler ? simpler : new IndexExpr(terms);
    }

    private IndexExpr Times(long factor)
    {
        if (factor == 0) return Zero;
        if (factor == 1) return this;
        IndexTerm[] scaled = new IndexTerm[_terms.Length];
        for (int i = 0; i < scaled.Length; i++) scaled[i] = _terms[i] with { Coefficient = checked(_terms[i].Coefficient * factor) };
        return new IndexExpr(ImmutableCollectionsMarshal.AsImmutableArray(scaled));
    }

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
