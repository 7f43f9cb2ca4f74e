using System.Collections.Immutable;

namespace Lathe.Kernels.Loops;

/// <summary>A product of atoms with a constant factor.</summary>
public readonly record struct IndexTerm
{
    /// <summary>Makes a term; the atoms are put in canonical order.</summary>
    public IndexTerm(long coefficient, ImmutableArray<IndexAtom> atoms)
    {
        Coefficient = coefficient;
        Atoms = atoms.Length > 1 ? atoms.Sort(static (a, b) => string.CompareOrdinal(a.Text, b.Text)) : atoms;
        Key = KeyOf(Atoms);
    }

    private IndexTerm(long coefficient, ImmutableArray<IndexAtom> atoms, string key) => (Coefficient, Atoms, Key) = (coefficient, atoms, key);

    /// <summary>The constant factor.</summary>
    public long Coefficient { get; init; }

    /// <summary>The atoms in canonical order; none for a constant.</summary>
    public ImmutableArray<IndexAtom> Atoms { get; }

    /// <summary>The atoms as text.</summary>
    public string Key { get; }

    /// <summary>The product.</summary>
    public static IndexTerm operator *(IndexTerm a, IndexTerm b)
    {
        long coefficient = checked(a.Coefficient * b.Coefficient);
        if (a.Atoms.Length == 0) return b with { Coefficient = coefficient };
        if (b.Atoms.Length == 0) return a with { Coefficient = coefficient };
        return new IndexTerm(coefficient, a.Atoms.AddRange(b.Atoms));
    }

    /// <summary>Equality of coefficients and of the atoms' text.</summary>
    public bool Equals(IndexTerm other) => Coefficient == other.Coefficient && Key == other.Key;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Coefficient, Key);

    /// <summary>Canonical order of atoms' text; the constant term comes last.</summary>
    internal static int Compare(in IndexTerm a, in IndexTerm b)
    {
        if (ReferenceEquals(a.Key, b.Key)) return 0;
        return a.Key.Length == 0 ? b.Key.Length == 0 ? 0 : 1 : b.Key.Length == 0 ? -1 : string.CompareOrdinal(a.Key, b.Key);
    }

    /// <summary>The term without one of its atoms.</summary>
    internal IndexTerm Without(int atom)
    {
        ImmutableArray<IndexAtom> rest = Atoms.RemoveAt(atom);
        return new IndexTerm(Coefficient, rest, KeyOf(rest));
    }

    private static string KeyOf(ImmutableArray<IndexAtom> atoms) => atoms.Length switch
    {
        0 => string.Empty,
        1 => atoms[0].Text,
        2 => $"{atoms[0].Text}*{atoms[1].Text}",
        _ => string.Join('*', atoms.Select(a => a.Text)),
    };
}
