using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Onnx;

/// <summary>The named dims of a model: what each name stands for.</summary>
internal sealed class SymbolTable(SymbolNames names)
{
    private readonly Dictionary<string, IndexExpr> _byName = new(StringComparer.Ordinal);

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
    public IndexExpr Named(string name, long min = 1, long max = SymbolNames.DefaultMax)
    {
        if (!_byName.TryGetValue(name, out IndexExpr? value)) _byName.Add(name, value = Fresh(name, min, max));
        return value;
    }

    /// <summary>A new symbol, named after a text.</summary>
    public IndexVar Fresh(string text, long min = 1, long max = SymbolNames.DefaultMax) => names.Fresh(text, min, max);
}
