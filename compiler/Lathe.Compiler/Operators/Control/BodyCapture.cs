using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Control;

/// <summary>
/// Makes graphs of the bodies of a control-flow operator: what a body reads from around it becomes an input, the same for all bodies of the operator.
/// Constants from around it are read where they are used.
/// </summary>
/// <param name="around">Where the operator is made.</param>
internal sealed class BodyCapture(GraphBuilder around)
{
    private readonly List<Value> _captured = [];
    private readonly Dictionary<Graph.Graph, GraphBuilder> _builders = new(ReferenceEqualityComparer.Instance);

    /// <summary>What the bodies read from around them, in the order of their inputs.</summary>
    public IReadOnlyList<Value> Values => _captured;

    /// <summary>Imports a body that has no inputs of its own. It still reads values from around it; <see cref="Close"/> makes them inputs.</summary>
    public Graph.Graph Import(string name, OnnxGraph body) => Import(name, [], body.Import);

    /// <summary>Makes a body with inputs of its own. It still reads values from around it; <see cref="Close"/> makes them inputs behind its own.</summary>
    public Graph.Graph Import(string name, IReadOnlyList<TensorType> formals, Func<GraphBuilder, IReadOnlyList<Value>, IReadOnlyList<Value>> body)
    {
        GraphBuilder builder = new(around);
        GraphPort[] inputs = [.. formals.Select((t, i) => new GraphPort($"formal_{i}", builder.Add(new Input($"formal_{i}", t with { Layout = null }))))];
        IReadOnlyList<Value> outputs = body(builder, [.. inputs.Select(i => i.Value)]);
        Graph.Graph open = builder.Build(name, inputs, outputs.Select((v, i) => new GraphPort($"{i}", v)), []);
        _builders.Add(open, builder);
        foreach (Value value in Frontier(open))
            if (!_captured.Contains(value)) _captured.Add(value);
        return open;
    }

    /// <summary>A body with an input for every captured value.</summary>
    public Graph.Graph Close(Graph.Graph open)
    {
        GraphBuilder inside = _builders[open], builder = new();
        Dictionary<Value, Value> values = [];
        List<GraphPort> inputs = [];
        foreach (GraphPort formal in open.Inputs)
        {
            Value input = builder.Add(formal.Value.Op);
            values[formal.Value] = input;
            inputs.Add(formal with { Value = input });
        }

        for (int i = 0; i < _captured.Count; i++)
        {
            Value input = builder.Add(new Input($"captured_{i}", _captured[i].Type with { Layout = null }));
            values[_captured[i]] = input;
            inputs.Add(new GraphPort($"captured_{i}", input));
        }

        foreach (Node node in open.TopologicalOrder())
        {
            if (node.Op is Input || (!inside.Owns(node) && node.Op is not Constant)) continue;
            builder.CurrentName = open.Names.GetValueOrDefault(node);
            Node copy = builder.AddNode(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : values[v])]);
            for (int i = 0; i < copy.OutputTypes.Length; i++) values.TryAdd(node[i], copy[i]);
        }

        GraphPort[] outputs = [.. open.Outputs.Select(o => o with { Value = values[o.Value] })];
        return builder.Build(open.Name, inputs, outputs, SymbolsOf(values.Values));
    }

    /// <summary>A body with symbols replaced in its inputs' types and in its operators.</summary>
    public static Graph.Graph Substitute(Graph.Graph body, Func<IndexVar, IndexExpr?> replacement)
    {
        GraphBuilder builder = new();
        Dictionary<Value, Value> values = [];
        foreach (Node node in body.TopologicalOrder())
        {
            builder.CurrentName = body.Names.GetValueOrDefault(node);
            Op op = node.Op is Input input
                ? new Input(input.Port, input.InputType with { Dims = input.InputType.Dims.Select(d => d.Substitute(replacement)).ToEquatableArray() })
                : node.Op.Substitute(replacement);
            Node copy = builder.AddNode(op, [.. node.Inputs.Select(v => v.IsNone ? v : values[v])]);
            for (int i = 0; i < copy.OutputTypes.Length; i++) values[node[i]] = copy[i];
        }

        GraphPort[] inputs = [.. body.Inputs.Select(At)], outputs = [.. body.Outputs.Select(At)];
        return builder.Build(body.Name, inputs, outputs, SymbolsOf(values.Values));

        GraphPort At(GraphPort port) => port with { Value = values[port.Value] };
    }

    /// <summary>A body in place of its operator.</summary>
    /// <param name="body">A body that reads nothing but its inputs.</param>
    /// <param name="inputs">What it is given.</param>
    /// <param name="builder">Where its nodes are made; those without a name get the current one.</param>
    public static IReadOnlyList<Value> Inline(Graph.Graph body, IReadOnlyList<Value> inputs, GraphBuilder builder)
    {
        string? around = builder.CurrentName;
        Dictionary<Value, Value> values = [];
        for (int i = 0; i < inputs.Count; i++) values.Add(body.Inputs[i].Value, inputs[i]);
        foreach (Node node in body.TopologicalOrder())
        {
            if (node.Op is Input) continue;
            builder.CurrentName = body.Names.GetValueOrDefault(node) ?? around;
            Node copy = builder.AddNode(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : values[v])]);
            for (int i = 0; i < node.OutputTypes.Length; i++) values.Add(node[i], copy[i]);
        }

        builder.CurrentName = around;
        return [.. body.Outputs.Select(o => values[o.Value])];
    }

    private static IEnumerable<IndexVar> SymbolsOf(IEnumerable<Value> values) =>
        values.SelectMany(v => v.Type.Dims).SelectMany(d => d.Variables).Distinct();

    /// <summary>The values from around a body that it reads.</summary>
    private IEnumerable<Value> Frontier(Graph.Graph open)
    {
        GraphBuilder inside = _builders[open];
        foreach (Node node in open.TopologicalOrder().Where(inside.Owns))
            foreach (Value input in node.Inputs)
                if (!input.IsNone && !inside.Owns(input.Node) && input.Node.Op is not Constant) yield return input;
        foreach (GraphPort output in open.Outputs)
            if (!inside.Owns(output.Value.Node) && output.Value.Node.Op is not Constant) yield return output.Value;
    }
}
