using System.Collections.Immutable;

namespace Lathe.Kernels.Loops;

/// <summary>A product of atoms with a constant factor.</summary>
public readonly record struct IndexTerm
{
    /// <summary>Makes a term; the atoms are put in canonical order.</summary>
    public IndexTerm(long coefficient, ImmutableArray<IndexAtom> atoms)
    {
        Coefficient = coefficient;
        Atoms = atoms.Length > 1 ? atoms.Sort((a, b) => string.CompareOrdinal(a.ToString(), b.ToString())) : atoms;
        Key = KeyOf(Atoms);
    }

    /// <summary>The constant factor.</summary>
    public long Coefficient { get; init; }

    /// <summary>The atoms in canonical order; none for a constant.</summary>
    public ImmutableArray<IndexAtom> Atoms { get; }

    /// <summary>The atoms as text.</summary>
    public string Key { get; }

    /// <summary>The product.</summary>
    public static IndexTerm operator *(IndexTerm a, IndexTerm b) =>
        new(checked(a.Coefficient * b.Coefficient), a.Atoms.Length == 0 ? b.Atoms : b.Atoms.Length == 0 ? a.Atoms : a.Atoms.AddRange(b.Atoms));

    internal static string KeyOf(ImmutableArray<IndexAtom> atoms) =>
        atoms.Length == 1 ? atoms[0].ToString() : string.Join('*', atoms.Select(a => a.ToString()).Order(StringComparer.Ordinal));
}

/// <summary>What a polynomial's terms are products of. Equal if their text is.</summary>
public abstract record IndexAtom
{
    private protected IndexAtom()
    {
    }

    /// <summary>The values it can take.</summary>
    public abstract IndexRange Range { get; }

    /// <summary>The variables in it.</summary>
    public abstract IEnumerable<IndexVar> Variables { get; }

    /// <summary>Its value for given variables.</summary>
    public abstract long Evaluate(Func<IndexVar, long> value);

    /// <summary>It with variables replaced.</summary>
    public abstract IndexExpr Substitute(Func<IndexVar, IndexExpr?> replacement);
}

/// <summary>A variable: a loop's, a named dim or a let. It carries its range, so that no table beside the IR can go stale.</summary>
/// <param name="Name">Unique where it is visible; letters, digits and underscores.</param>
/// <param name="Min">The least value.</param>
/// <param name="Max">The greatest value, <see cref="long.MaxValue"/> if there is no bound.</param>
public sealed record IndexVar(string Name, long Min, long Max) : IndexAtom
{
    /// <inheritdoc/>
    public override IndexRange Range => new(Min, Max);

    /// <inheritdoc/>
    public override IEnumerable<IndexVar> Variables => [this];

    /// <inheritdoc/>
    public bool Equals(IndexVar? other) => other is not null && other.Name == Name;

    /// <inheritdoc/>
    public override int GetHashCode() => string.GetHashCode(Name, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) => value(this);

    /// <inheritdoc/>
    public override IndexExpr Substitute(Func<IndexVar, IndexExpr?> replacement) => replacement(this) ?? this;

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>The sum, so that a variable may stand where an expression does.</summary>
    public static IndexExpr operator +(IndexVar a, IndexExpr b) => (IndexExpr)a + b;

    /// <summary>The difference.</summary>
    public static IndexExpr operator -(IndexVar a, IndexExpr b) => (IndexExpr)a - b;

    /// <summary>The product.</summary>
    public static IndexExpr operator *(IndexVar a, IndexExpr b) => (IndexExpr)a * b;

    /// <summary>The quotient.</summary>
    public static IndexExpr operator /(IndexVar a, IndexExpr b) => (IndexExpr)a / b;

    /// <summary>The remainder.</summary>
    public static IndexExpr operator %(IndexVar a, IndexExpr b) => (IndexExpr)a % b;
}

/// <summary>The quotient of non-negative operands, rounded down.</summary>
public sealed record IndexDiv(IndexExpr Operand, IndexExpr Divisor) : IndexAtom
{
    /// <inheritdoc/>
    public override IndexRange Range
    {
        get
        {
            IndexRange a = Operand.Range, b = Divisor.Range;
            if (b.Min <= 0) return new IndexRange(a.Min >= 0 ? 0 : long.MinValue, long.MaxValue);
            long min = a.Min < 0 ? a.Min : b.Max == long.MaxValue ? 0 : a.Min / b.Max;
            return new IndexRange(min, a.Max == long.MaxValue ? long.MaxValue : Math.Max(0, a.Max / b.Min));
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<IndexVar> Variables => Operand.Variables.Concat(Divisor.Variables);

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) => Operand.Evaluate(value) / Divisor.Evaluate(value);

    /// <inheritdoc/>
    public override IndexExpr Substitute(Func<IndexVar, IndexExpr?> replacement) => Operand.Substitute(replacement) / Divisor.Substitute(replacement);

    /// <inheritdoc/>
    public override string ToString() => $"({Operand} div {Divisor})";
}

/// <summary>The remainder of non-negative operands.</summary>
public sealed record IndexMod(IndexExpr Operand, IndexExpr Divisor) : IndexAtom
{
    /// <inheritdoc/>
    public override IndexRange Range
    {
        get
        {
            if (Operand.Range.Min < 0) return IndexRange.Unbounded;
            long below = Divisor.Range.Max == long.MaxValue ? long.MaxValue : Divisor.Range.Max - 1;
            return new IndexRange(0, Math.Min(Operand.Range.Max, below));
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<IndexVar> Variables => Operand.Variables.Concat(Divisor.Variables);

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) => Operand.Evaluate(value) % Divisor.Evaluate(value);

    /// <inheritdoc/>
    public override IndexExpr Substitute(Func<IndexVar, IndexExpr?> replacement) => Operand.Substitute(replacement) % Divisor.Substitute(replacement);

    /// <inheritdoc/>
    public override string ToString() => $"({Operand} mod {Divisor})";
}

/// <summary>The smaller of two.</summary>
public sealed record IndexMin(IndexExpr A, IndexExpr B) : IndexAtom
{
    /// <inheritdoc/>
    public override IndexRange Range => new(Math.Min(A.Range.Min, B.Range.Min), Math.Min(A.Range.Max, B.Range.Max));

    /// <inheritdoc/>
    public override IEnumerable<IndexVar> Variables => A.Variables.Concat(B.Variables);

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) => Math.Min(A.Evaluate(value), B.Evaluate(value));

    /// <inheritdoc/>
    public override IndexExpr Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        IndexExpr.Min(A.Substitute(replacement), B.Substitute(replacement));

    /// <inheritdoc/>
    public override string ToString() => $"min({A}, {B})";
}

/// <summary>The larger of two.</summary>
public sealed record IndexMax(IndexExpr A, IndexExpr B) : IndexAtom
{
    /// <inheritdoc/>
    public override IndexRange Range => new(Math.Max(A.Range.Min, B.Range.Min), Math.Max(A.Range.Max, B.Range.Max));

    /// <inheritdoc/>
    public override IEnumerable<IndexVar> Variables => A.Variables.Concat(B.Variables);

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) => Math.Max(A.Evaluate(value), B.Evaluate(value));

    /// <inheritdoc/>
    public override IndexExpr Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        IndexExpr.Max(A.Substitute(replacement), B.Substitute(replacement));

    /// <inheritdoc/>
    public override string ToString() => $"max({A}, {B})";
}

/// <summary><paramref name="Then"/> where A &lt; B, <paramref name="Else"/> otherwise.</summary>
public sealed record IndexSelect(IndexExpr A, IndexExpr B, IndexExpr Then, IndexExpr Else) : IndexAtom
{
    /// <inheritdoc/>
    public override IndexRange Range => Then.Range.Union(Else.Range);

    /// <inheritdoc/>
    public override IEnumerable<IndexVar> Variables => A.Variables.Concat(B.Variables).Concat(Then.Variables).Concat(Else.Variables);

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) =>
        A.Evaluate(value) < B.Evaluate(value) ? Then.Evaluate(value) : Else.Evaluate(value);

    /// <inheritdoc/>
    public override IndexExpr Substitute(Func<IndexVar, IndexExpr?> replacement) => IndexExpr.IfLess(
        A.Substitute(replacement), B.Substitute(replacement), Then.Substitute(replacement), Else.Substitute(replacement));

    /// <inheritdoc/>
    public override string ToString() => $"select({A} < {B}, {Then}, {Else})";
}
