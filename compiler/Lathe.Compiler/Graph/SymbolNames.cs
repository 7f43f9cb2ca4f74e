using System.Text;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Graph;

/// <summary>Names for symbols, each given once, that are safe wherever an IR prints them.</summary>
public sealed class SymbolNames
{
    /// <summary>The greatest value of a dim of which nothing is known.</summary>
    public const long DefaultMax = 1 << 20;

    private const int MaxNameLength = 48;

    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _last = new(StringComparer.Ordinal);
    private readonly List<IndexVar> _computed = [];

    /// <summary>The symbols whose values steps compute, in order of creation.</summary>
    public IReadOnlyList<IndexVar> Computed => _computed;

    /// <summary>Notes the names of symbols that are there already.</summary>
    public void Reserve(IEnumerable<IndexVar> symbols)
    {
        foreach (IndexVar symbol in symbols) _used.Add(symbol.Name);
    }

    /// <summary>A new symbol, named after a text.</summary>
    public IndexVar Fresh(string text, long min = 1, long max = DefaultMax)
    {
        StringBuilder clean = new();
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, MaxNameLength))) clean.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
        if (clean.Length == 0 || !char.IsAsciiLetter(clean[0])) clean.Insert(0, 'd');
        // Loops, axes and kernels name their own variables so: a letter and a number, or the ends of a slice.
        string stem = clean.ToString();
        if (stem is "from" or "to" || (stem.Length > 1 && char.IsAsciiLetterLower(stem[0]) && char.IsAsciiDigit(stem[1]))) stem += "_dim";
        string name = stem;
        int number = _last.GetValueOrDefault(stem);
        while (!_used.Add(name)) name = $"{stem}_{++number}";
        _last[stem] = number;
        return new IndexVar(name, min, max);
    }

    /// <summary>A new symbol whose value a step computes.</summary>
    public IndexVar FreshComputed(string text, long min, long max)
    {
        IndexVar symbol = Fresh(text, min, max);
        _computed.Add(symbol);
        return symbol;
    }
}
