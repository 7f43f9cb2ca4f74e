using Lathe.Compiler.Diagnostics;

namespace Lathe.Compiler.Onnx;

/// <summary>
/// The nodes of a graph, each after those whose outputs it reads. ONNX demands that order of a file; files that do not keep it are put in order,
/// and those that cannot be are refused.
/// </summary>
internal static class NodeOrder
{
    /// <summary>The nodes in order: the file's, where that is one.</summary>
    /// <exception cref="DiagnosticException">Two nodes make the same value, or nodes depend on each other in a circle.</exception>
    public static IReadOnlyList<NodeProto> Of(IReadOnlyList<NodeProto> nodes)
    {
        Dictionary<string, int> producers = new(StringComparer.Ordinal);
        for (int i = 0; i < nodes.Count; i++)
        {
            foreach (string output in nodes[i].Output)
            {
                if (output.Length > 0 && !producers.TryAdd(output, i))
                    throw Malformed(nodes[i], $"the name '{output}' stands for two values");
            }
        }

        int[][] needs = new int[nodes.Count][];
        bool ordered = true;
        for (int i = 0; i < nodes.Count; i++)
        {
            HashSet<int> from = [];
            foreach (string name in Reads(nodes[i]))
                if (producers.TryGetValue(name, out int producer)) from.Add(producer);
            needs[i] = [.. from];
            ordered &= needs[i].All(n => n < i);
        }

        return ordered ? nodes : Sort(nodes, needs);
    }

    private static List<NodeProto> Sort(IReadOnlyList<NodeProto> nodes, int[][] needs)
    {
        List<NodeProto> sorted = new(nodes.Count);
        // 0: not seen, 1: being visited, 2: done. An explicit stack: chains are as long as the file likes.
        byte[] state = new byte[nodes.Count];
        Stack<(int Node, int Next)> stack = new();
        for (int root = 0; root < nodes.Count; root++)
        {
            if (state[root] == 0) Push(root);
            while (stack.TryPop(out (int Node, int Next) top))
            {
                if (top.Next == needs[top.Node].Length)
                {
                    state[top.Node] = 2;
                    sorted.Add(nodes[top.Node]);
                    continue;
                }

                stack.Push((top.Node, top.Next + 1));
                int need = needs[top.Node][top.Next];
                if (state[need] == 1) throw Malformed(nodes[need], "it depends on its own output");
                if (state[need] == 0) Push(need);
            }
        }

        return sorted;

        void Push(int node)
        {
            state[node] = 1;
            stack.Push((node, 0));
        }
    }

    /// <summary>The names that a node reads: its inputs, and those that its bodies take from the graph around them.</summary>
    private static IEnumerable<string> Reads(NodeProto node) => node.Input.Concat(Bodies(node).SelectMany(Free));

    /// <summary>The names that a body takes from the graph around it.</summary>
    public static IEnumerable<string> Free(GraphProto body)
    {
        HashSet<string> inside = new(StringComparer.Ordinal);
        inside.UnionWith(body.Input.Select(i => i.Name));
        inside.UnionWith(body.Initializer.Select(i => i.Name));
        inside.UnionWith(body.SparseInitializer.Select(i => i.Values?.Name ?? ""));
        inside.UnionWith(body.Node.SelectMany(n => n.Output));
        return body.Node.SelectMany(Reads).Concat(body.Output.Select(o => o.Name)).Where(n => !inside.Contains(n));
    }

    /// <summary>The bodies that a node carries as attributes.</summary>
    public static IEnumerable<GraphProto> Bodies(NodeProto node) =>
        node.Attribute.SelectMany(a => a.G is null ? a.Graphs : a.Graphs.Prepend(a.G));

    private static DiagnosticException Malformed(NodeProto node, string reason) =>
        new(new Diagnostic(DiagnosticTable.MalformedModel, Importer.NameOf(node), reason));
}
