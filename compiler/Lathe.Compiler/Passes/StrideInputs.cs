using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Lets the rows, planes and images of inputs with a declared format lie at strides that are given with the memory: they become symbols of the input's layout, through which
/// kernels address it. Inputs that something else reads than kernels stay dense.
/// </summary>
public sealed class StrideInputs : IPass
{
    /// <inheritdoc/>
    public bool RunsInBodies => false;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        // What data determine is sized in an order that strides would have to have a place in.
        HashSet<IndexVar> given = [.. graph.Inputs.SelectMany(i => i.Value.Type.Dims).SelectMany(d => d.Variables)];
        if (context.Options.InputFormats.Count == 0 || graph.Symbols.Any(s => !given.Contains(s))) return graph;
        Dictionary<Node, List<(Node User, int Input)>> users = graph.Users();
        List<IndexVar> symbols = [.. graph.Symbols];
        Dictionary<Node, Layout> layouts = [];
        foreach (GraphPort port in graph.Inputs.Where(p => context.Options.InputFormats.ContainsKey(p.Name) || (graph.Inputs.Length == 1 && context.Options.InputFormats.ContainsKey(""))))
        {
            (Node User, int Input)[] readers = [.. users[port.Value.Node].SelectMany(u => u.User.Op is View ? users[u.User] : [u])];
            if (readers.Length == 0 || !readers.All(r => r.User.Op is Fused group && IsAddressed(group, r.Input)) || users[port.Value.Node].Any(u => u.User.Op is View && u.User.OutputTypes[0].Rank != 3)) continue;
            if (graph.Outputs.Any(o => o.Value.Node == port.Value.Node || o.Value.Node.Inputs.Contains(port.Value) && o.Value.Op is View)) continue;
            // Elements of a row of pixels lie together, and those of a row of a plane.
            int together = port.Value.Type.Dims[1].IsConstant && port.Value.Type.Dims[3] is not { IsConstant: true, Value: <= 4 } ? 1 : 2;
            layouts[port.Value.Node] = new Layout([.. port.Value.Type.Dims.Items.Select((dim, axis) => new LayoutLevel(axis, Stride: axis >= 4 - together || dim == IndexExpr.One ? null : Symbol()))]);
        }

        if (layouts.Count == 0) return graph;
        GraphBuilder builder = new();
        Dictionary<Value, Value> replaced = [];
        foreach (Node node in graph.TopologicalOrder())
        {
            builder.CurrentName = graph.Names.GetValueOrDefault(node);
            Op op = node.Op switch
            {
                Input input when layouts.TryGetValue(node, out Layout? layout) => input with { InputType = input.InputType with { Layout = layout } },
                View view when layouts.TryGetValue(node.Inputs[0].Node, out Layout? layout) => view with { Layout = new Layout([.. layout.Levels.Items.Take(3).Select((l, axis) => l with { Stride = axis < 2 ? l.Stride : null })]) },
                _ => node.Op,
            };
            Node copy = builder.AddNode(op, [.. node.Inputs.Select(v => v.IsNone ? v : replaced[v])]);
            for (int i = 0; i < node.OutputTypes.Length; i++) replaced[node[i]] = copy[i];
        }

        builder.CurrentName = null;
        return builder.Build(
            graph.Name, graph.Inputs.Select(p => p with { Value = replaced[p.Value] }), graph.Outputs.Select(p => p with { Value = replaced[p.Value] }), symbols);

        IndexVar Symbol()
        {
            int number = symbols.Count;
            while (symbols.Any(s => s.Name == $"stride_{number}")) number++;
            IndexVar symbol = Layout.StrideOf($"stride_{number}");
            symbols.Add(symbol);
            return symbol;
        }
    }

    /// <summary>True if a group reads an input element by element through its layout.</summary>
    internal static bool IsAddressed(Fused group, int port)
    {
        Value value = group.Body.Inputs[port].Value;
        return group.Members.All(m => m.Op is Fused inner
            ? m.Inputs.Select((v, i) => v != value || IsAddressed(inner, i)).All(b => b)
            : !m.Inputs.Where((v, i) => v == value && m.Op.ReadsAtData(i)).Any());
    }
}
