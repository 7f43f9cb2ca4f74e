using Lathe.Compiler.Operators;

namespace Lathe.Compiler.Graph;

/// <summary>
/// Runs a graph operator by operator through <see cref="Op.Evaluate"/>: slow, without any choice to be wrong about, and so the oracle of passes,
/// kernels and plans.
/// </summary>
public static class GraphEvaluator
{
    /// <summary>The outputs of a graph for given inputs, in the order of its ports.</summary>
    /// <param name="graph">The graph; values from another graph that it reads must be constants.</param>
    /// <param name="inputs">One tensor per input, in the order of the ports.</param>
    /// <exception cref="ArgumentException">An input does not have the element type or rank of its port.</exception>
    public static IReadOnlyList<TensorData> Run(Graph graph, IReadOnlyList<TensorData> inputs)
    {
        if (inputs.Count != graph.Inputs.Length) throw new ArgumentException($"The graph takes {graph.Inputs.Length} inputs, not {inputs.Count}.");
        IReadOnlyList<Node> order = graph.TopologicalOrder();
        Dictionary<Node, int> uses = [];
        foreach (Node node in order)
            foreach (Value input in node.Inputs.Where(v => !v.IsNone)) uses[input.Node] = uses.GetValueOrDefault(input.Node) + 1;
        foreach (GraphPort output in graph.Outputs) uses[output.Value.Node] = uses.GetValueOrDefault(output.Value.Node) + 1;

        Dictionary<Node, TensorData[]> values = [];
        for (int i = 0; i < inputs.Count; i++)
        {
            GraphPort port = graph.Inputs[i];
            TensorType type = port.Value.Type;
            if (inputs[i].Element != type.Element || inputs[i].Dims.Length != type.Rank)
                throw new ArgumentException($"Input '{port.Name}' is {type}, not {TensorType.Of(inputs[i].Element, inputs[i].Dims)}.");
            values[port.Value.Node] = [inputs[i]];
        }

        foreach (Node node in order)
        {
            if (values.ContainsKey(node)) continue;
            values[node] = Run(node, [.. node.Inputs.Select(v => v.IsNone ? null : values[v.Node][v.Output])]);
            foreach (Value input in node.Inputs)
                if (!input.IsNone && --uses[input.Node] == 0) values.Remove(input.Node);
        }

        return [.. graph.Outputs.Select(o => values[o.Value.Node][o.Value.Output])];
    }

    /// <summary>The outputs of one node for given inputs; null for an absent one.</summary>
    public static TensorData[] Run(Node node, IReadOnlyList<TensorData?> inputs)
    {
        if (node.Op is Fused fused) return [.. Run(fused.Body, [.. inputs.Select(i => i!)])];
        // Inference over constants gives the types that these very inputs lead to, whatever the graph knew of them.
        GraphBuilder builder = new();
        Node typed = builder.AddNode(node.Op, [.. inputs.Select(i => i is null ? Value.None : builder.Constant(i))]);
        return node.Op.Evaluate(inputs, typed.OutputTypes);
    }
}
