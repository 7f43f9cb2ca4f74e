using System.Collections.Immutable;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Operators;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Graph;

/// <summary>
/// Makes nodes and interns them: <see cref="Add(Op, ReadOnlySpan{Value})"/> with an operator and values that it has seen gives the node it made then.
/// Types are inferred here, so that a node without types does not exist. Not safe for concurrent use.
/// </summary>
/// <param name="around">The builder of the graph that a body lies in, with which it shares what a model has once; null for a graph of its own.</param>
public sealed class GraphBuilder(GraphBuilder? around = null)
{
    /// <summary>The most nodes of a graph: a small file can ask for more than any memory holds.</summary>
    private const int MaxNodes = 250_000;

    private readonly Dictionary<Key, Node> _interned = [];
    private readonly Dictionary<Node, string> _names = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<(Value, long, long), Value> _measured = [];
    private int _count;

    /// <summary>Where new symbols come from.</summary>
    public SymbolNames Symbols { get; } = around?.Symbols ?? new SymbolNames();

    /// <summary>What the user is to be told of how the model was understood, of the bodies in it too.</summary>
    public List<Diagnostic> Warnings { get; } = around?.Warnings ?? [];

    /// <summary>The name that new nodes get, while it is set: a pass sets that of the node it replaces.</summary>
    public string? CurrentName { get; set; }

    /// <summary>The names given so far.</summary>
    public IReadOnlyDictionary<Node, string> Names => _names;

    /// <summary>An operator applied to values, for an operator of one output.</summary>
    /// <exception cref="DiagnosticException">The values do not fit the operator.</exception>
    public Value Add(Op op, params ReadOnlySpan<Value> inputs) => AddNode(op, inputs)[0];

    /// <summary>An operator applied to values.</summary>
    /// <exception cref="DiagnosticException">The values do not fit the operator.</exception>
    public Node AddNode(Op op, params ReadOnlySpan<Value> inputs)
    {
        Key key = new(op, EquatableArray.Create(inputs));
        if (_interned.TryGetValue(key, out Node? known)) return known;

        InferContext context = new(op, key.Inputs.Items, CurrentName);
        try
        {
            op.Infer(context);
        }
        catch (OverflowException overflow)
        {
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.ShapeTooLarge, CurrentName, op.Name, overflow.Message));
        }

        if (_count == MaxNodes) throw new DiagnosticException(new Diagnostic(DiagnosticTable.MalformedModel, CurrentName, $"it comes to more than {MaxNodes} nodes"));
        Node node = new(_count++, op, key.Inputs.Items, context.Outputs, context.Contents);
        _interned.Add(key, node);
        if (CurrentName is not null) _names[node] = CurrentName;
        return node;
    }

    /// <summary>The value whose elements are symbols of a range that stand for those of a value, if there is one.</summary>
    public Value? MeasuredAs(Value value, long min, long max) => _measured.TryGetValue((value, min, max), out Value known) ? known : null;

    /// <summary>Notes what <see cref="MeasuredAs"/> gives.</summary>
    public void IsMeasuredAs(Value value, long min, long max, Value measured) => _measured[(value, min, max)] = measured;

    /// <summary>True if this builder made a node.</summary>
    public bool Owns(Node node) => _interned.TryGetValue(new Key(node.Op, new EquatableArray<Value>(node.Inputs)), out Node? known) && ReferenceEquals(known, node);

    /// <summary>A constant.</summary>
    public Value Constant(TensorData data) => Add(new Constant(data));

    /// <summary>The graph of given ports; keeps the names of its nodes.</summary>
    public Graph Build(string name, IEnumerable<GraphPort> inputs, IEnumerable<GraphPort> outputs, IEnumerable<IndexVar> symbols) =>
        new(name, [.. inputs], [.. outputs], [.. symbols], _names.ToImmutableDictionary());

    private sealed record Key(Op Op, EquatableArray<Value> Inputs);
}
