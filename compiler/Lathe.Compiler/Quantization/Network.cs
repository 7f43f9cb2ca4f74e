using System.Globalization;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;

namespace Lathe.Compiler.Quantization;

/// <summary>A model's graph with what rewriting it needs: who makes and who reads a value, and which values are constants.</summary>
internal sealed class Network
{
    private readonly TensorReader _tensors;
    private readonly Dictionary<string, TensorProto> _initialisers;
    private readonly Dictionary<string, NodeProto> _producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<NodeProto>> _readers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _outputs, _inner;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorData> _constants = new(StringComparer.Ordinal);

    /// <summary>Looks over a model, whose nodes are put in order.</summary>
    /// <exception cref="Diagnostics.DiagnosticException">Nodes depend on each other in a circle.</exception>
    public Network(ModelProto model, TensorReader tensors)
    {
        (Model, _tensors) = (model, tensors);
        NodeProto[] ordered = [.. NodeOrder.Of(Graph.Node)];
        Graph.Node.Clear();
        Graph.Node.AddRange(ordered);
        _initialisers = Graph.Initializer.ToDictionary(t => t.Name, StringComparer.Ordinal);
        _outputs = new(Graph.Output.Select(o => o.Name), StringComparer.Ordinal);
        _inner = new(Graph.Node.SelectMany(NodeOrder.Bodies).SelectMany(NodeOrder.Free), StringComparer.Ordinal);
        _names.UnionWith(_initialisers.Keys);
        _names.UnionWith(Graph.Input.Select(i => i.Name));
        foreach (NodeProto node in Graph.Node)
        {
            _names.Add(node.Name);
            foreach (string output in node.Output.Where(o => o.Length > 0)) _producers[output] = node;
            _names.UnionWith(node.Output);
            foreach (string input in node.Input.Where(i => i.Length > 0).Distinct())
            {
                if (!_readers.TryGetValue(input, out List<NodeProto>? readers)) _readers[input] = readers = [];
                readers.Add(node);
            }
        }

        // Names of bodies are scopes of their own, but a new name must not hide in one either.
        foreach (GraphProto body in AllBodies(Graph)) _names.UnionWith(body.Node.SelectMany(n => n.Output).Concat(body.Initializer.Select(i => i.Name)).Concat(body.Input.Select(i => i.Name)));
    }

    /// <summary>The model.</summary>
    public ModelProto Model { get; }

    /// <summary>Its graph.</summary>
    public GraphProto Graph => Model.Graph;

    /// <summary>The version of the standard operators.</summary>
    public int Opset => new OpsetTable(Model.OpsetImport).Version("") ?? 1;

    /// <summary>The node that makes a value; null for inputs and initialisers.</summary>
    public NodeProto? ProducerOf(string value) => _producers.GetValueOrDefault(value);

    /// <summary>The nodes that read a value.</summary>
    public IReadOnlyList<NodeProto> ReadersOf(string value) => _readers.GetValueOrDefault(value) ?? [];

    /// <summary>True if something beside the nodes' inputs reads a value: it is an output of the model, or a body takes it.</summary>
    public bool IsReadOutside(string value) => _outputs.Contains(value) || _inner.Contains(value);

    /// <summary>The only node that reads a value; null if it is read by others too.</summary>
    public NodeProto? OnlyReaderOf(string value) => !IsReadOutside(value) && ReadersOf(value) is [var reader] && reader.Input.Count(i => i == value) == 1 ? reader : null;

    /// <summary>The elements of a constant; null if the value is none.</summary>
    public TensorData? ConstantOf(string value)
    {
        if (_constants.TryGetValue(value, out TensorData? known)) return known;
        TensorProto? tensor = _initialisers.GetValueOrDefault(value)
            ?? (ProducerOf(value) is { } node && Importer.IsConstant(node) ? node.Find("value")?.T : null);
        return tensor is null ? null : _constants[value] = _tensors.Read(tensor);
    }

    /// <summary>A name that the graph does not have yet.</summary>
    public string Fresh(string stem)
    {
        string name = stem;
        for (int i = 2; !_names.Add(name); i++) name = stem + "_" + i.ToString(CultureInfo.InvariantCulture);
        return name;
    }

    /// <summary>Adds an initialiser.</summary>
    /// <returns>Its name.</returns>
    public string Add(TensorProto tensor)
    {
        Graph.Initializer.Add(tensor);
        _initialisers[tensor.Name] = tensor;
        return tensor.Name;
    }

    private static IEnumerable<GraphProto> AllBodies(GraphProto graph) => graph.Node.SelectMany(NodeOrder.Bodies).SelectMany(b => AllBodies(b).Prepend(b));
}
