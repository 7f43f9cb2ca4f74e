using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Onnx;

/// <summary>
/// The names of a graph or body and, around it, those of the graph that it lies in. Initialisers become constants when they are first read, so
/// that what a model carries without use costs nothing.
/// </summary>
internal sealed class ImportScope(ImportScope? outer, GraphBuilder builder, TensorReader tensors)
{
    private readonly Dictionary<string, Value> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Func<TensorData>> _initialisers = new(StringComparer.Ordinal);

    /// <summary>Where nodes of this scope are made.</summary>
    public GraphBuilder Builder => builder;

    /// <summary>The values that have a name in this scope itself; initialisers once they were read.</summary>
    public IReadOnlyDictionary<string, Value> Values => _values;

    /// <summary>True if this scope itself, not one around it, has the name.</summary>
    public bool Defines(string name) => _values.ContainsKey(name) || _initialisers.ContainsKey(name);

    /// <summary>Gives a value a name.</summary>
    /// <exception cref="DiagnosticException">The scope has a value of that name.</exception>
    public void Define(string name, Value value)
    {
        if (Defines(name)) throw Duplicate(name);
        _values.Add(name, value);
    }

    /// <summary>Takes in the initialisers of a graph.</summary>
    /// <exception cref="DiagnosticException">Two have the same name, or one has none.</exception>
    public void DefineInitialisers(GraphProto graph)
    {
        foreach (TensorProto tensor in graph.Initializer) Add(tensor.Name, () => tensors.Read(tensor));
        foreach (SparseTensorProto sparse in graph.SparseInitializer) Add(sparse.Values?.Name ?? "", () => tensors.Read(sparse));

        void Add(string name, Func<TensorData> read)
        {
            if (name.Length == 0) throw Malformed("an initialiser has no name");
            if (!_initialisers.TryAdd(name, read)) throw Duplicate(name);
        }
    }

    /// <summary>The value of a name, here or further out; null if there is none.</summary>
    public Value? Find(string name)
    {
        if (_values.TryGetValue(name, out Value value)) return value;
        if (!_initialisers.TryGetValue(name, out Func<TensorData>? read)) return outer?.Find(name);

        string? current = builder.CurrentName;
        builder.CurrentName = name;
        value = builder.Constant(read());
        builder.CurrentName = current;
        _values.Add(name, value);
        return value;
    }

    private static DiagnosticException Duplicate(string name) => Malformed($"the name '{name}' stands for two values");

    private static DiagnosticException Malformed(string reason) => new(new Diagnostic(DiagnosticTable.MalformedModel, null, reason));
}
