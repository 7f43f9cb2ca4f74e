using System.Text;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Onnx;

/// <summary>The named dims of a model: what each name stands for, under names that are safe wherever an IR prints them.</summary>
internal sealed class SymbolTable
{
    /// <summary>The greatest value of a dim of which nothing is known.</summary>
    public const long DefaultMax = 1 << 20;

    private const int MaxNameLength = 48;

    private readonly Dictionary<string, IndexExpr> _byName = new(StringComparer.Ordinal);
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <summary>What a name stands for, where it is already known.</summary>
    public IndexExpr? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Says what a name stands for.</summary>
    /// <returns>False if it stands for something else.</returns>
    public bool Bind(string name, IndexExpr value)
    {
        if (_byName.TryGetValue(name, out IndexExpr? known)) return known == value;
        _byName.Add(name, value);
        return true;
    }

    /// <summary>What a name stands for, at first a new symbol.</summary>
    public IndexExpr Named(string name, long min = 1, long max = DefaultMax)
    {
        if (!_byName.TryGetValue(name, out IndexExpr? value)) _byName.Add(name, value = Fresh(name, min, max));
        return value;
    }

    /// <summary>A new symbol, named after a text.</summary>
    public IndexVar Fresh(string text, long min = 1, long max = DefaultMax)
    {
        StringBuilder clean = new();
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, MaxNameLength))) clean.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
        if (clean.Length == 0 || !char.IsAsciiLetter(clean[0])) clean.Insert(0, 'd');
        string stem = clean.ToString(), name = stem;
        for (int i = 1; !_used.Add(name); i++) name = $"{stem}_{i}";
        return new IndexVar(name, min, max);
    }
}
