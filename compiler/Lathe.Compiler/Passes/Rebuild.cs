using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Passes;

/// <summary>Makes a graph anew, node by node. What no output needs any more is left behind; names stay.</summary>
internal static class Rebuild
{
    /// <summary>Copies all nodes of a graph with their names.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="builder">Where the copies are made.</param>
    /// <param name="instead">What stands for a node of one output instead of its copy, or null.</param>
    /// <returns>The copy of each value.</returns>
    public static Dictionary<Value, Value> Copy(Graph.Graph graph, GraphBuilder builder, Func<Node, Value?>? instead = null)
    {
        Dictionary<Value, Value> copied = [];
        foreach (Node node in graph.TopologicalOrder())
        {
            builder.CurrentName = graph.Names.GetValueOrDefault(node);
            if (instead?.Invoke(node) is { } value)
            {
                copied.Add(node[0], value);
                continue;
            }

            Node copy = builder.AddNode(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : copied[v])]);
            for (int output = 0; output < node.OutputTypes.Length; output++) copied.Add(node[output], copy[output]);
        }

        return copied;
    }

    /// <summary>The graph with some nodes replaced.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="replacement">
    /// Given a node of the new graph, what stands for its outputs instead, or null to leave it. What it adds gets the node's name.
    /// </param>
    public static Graph.Graph Run(Graph.Graph graph, Func<Node, GraphBuilder, IReadOnlyList<Value>?> replacement)
    {
        GraphBuilder builder = new();
        Dictionary<Value, Value> replaced = [];
        foreach (Node node in graph.TopologicalOrder())
        {
            builder.CurrentName = graph.Names.GetValueOrDefault(node);
            Node copy = builder.AddNode(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : replaced[v])]);
            IReadOnlyList<Value>? values = replacement(copy, builder);
            for (int output = 0; output < node.OutputTypes.Length; output++) replaced.Add(node[output], values is null ? copy[output] : values[output]);
        }

        // Inputs stay inputs, whatever their readers see instead.
        return builder.Build(
            graph.Name,
            graph.Inputs.Select(p => p with { Value = builder.Add(p.Value.Op) }),
            graph.Outputs.Select(p => p with { Value = replaced[p.Value] }),
            graph.Symbols);
    }
}
