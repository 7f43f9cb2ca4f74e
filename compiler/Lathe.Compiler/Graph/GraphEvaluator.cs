using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using ForLoop = Lathe.Compiler.Operators.Control.ForLoop;
using If = Lathe.Compiler.Operators.Control.If;

namespace Lathe.Compiler.Graph;

/// <summary>
/// Runs a graph operator by operator through <see cref="Op.Evaluate"/>: slow, without any choice to be wrong about, and so the oracle of passes,
/// kernels and plans.
/// </summary>
public static class GraphEvaluator
{
    /// <summary>The outputs of a graph for given inputs, in the order of its ports.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="inputs">One tensor per input, in the order of the ports.</param>
    /// <exception cref="ArgumentException">An input does not have the type of its port.</exception>
    public static IReadOnlyList<TensorData> Run(Graph graph, IReadOnlyList<TensorData> inputs) => Run(graph, inputs, new Dictionary<IndexVar, long>());

    /// <summary>The outputs of a graph for given inputs.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="inputs">One tensor per input, in the order of the ports.</param>
    /// <param name="symbols">Values of symbols that the inputs' shapes do not tell: those of the graph around a body.</param>
    /// <exception cref="ArgumentException">An input does not have the type of its port.</exception>
    public static IReadOnlyList<TensorData> Run(Graph graph, IReadOnlyList<TensorData> inputs, IReadOnlyDictionary<IndexVar, long> symbols)
    {
        Dictionary<IndexVar, long> known = Bind(graph, inputs, symbols);
        IReadOnlyList<Node> order = graph.TopologicalOrder();
        Dictionary<Node, int> uses = [];
        foreach (Value value in order.SelectMany(n => n.Inputs).Where(v => !v.IsNone).Concat(graph.Outputs.Select(o => o.Value)))
            uses[value.Node] = uses.GetValueOrDefault(value.Node) + 1;

        Dictionary<Node, TensorData[]> values = [];
        for (int i = 0; i < inputs.Count; i++) values[graph.Inputs[i].Value.Node] = [inputs[i]];
        foreach (Node node in order)
        {
            if (values.ContainsKey(node)) continue;
            values[node] = Run(node, [.. node.Inputs.Select(v => v.IsNone ? null : values[v.Node][v.Output])], known);
            foreach (Value input in node.Inputs)
                if (!input.IsNone && --uses[input.Node] == 0) values.Remove(input.Node);
        }

        return [.. graph.Outputs.Select(o => values[o.Value.Node][o.Value.Output])];
    }

    private static TensorData[] Run(Node node, IReadOnlyList<TensorData?> inputs, Dictionary<IndexVar, long> symbols)
    {
        // Bodies may speak of symbols that their own inputs do not tell.
        if (node.Op is Fused fused) return [.. Run(fused.Body, [.. inputs.Select(i => i!)], symbols)];
        if (node.Op is Measure measure)
        {
            TensorData[] measured = measure.Substitute(s => symbols.TryGetValue(s, out long value) ? value : null).Evaluate(inputs, node.OutputTypes);
            foreach ((IndexVar symbol, long size) in measure.Variables.Zip(measured[0].ToInt64s())) symbols[symbol] = size;
            return measured;
        }

        if (node.Op is ForLoop loop) return loop.Evaluate(inputs, symbols);
        if (node.Op is If branch) return [.. Run(inputs[0]!.GetInt64(0) != 0 ? branch.Then : branch.Else, [.. inputs.Skip(1).Select(i => i!)], symbols)];
        Op op = symbols.Count == 0 ? node.Op : node.Op.Substitute(s => symbols.TryGetValue(s, out long value) ? value : null);

        // Inference over constants gives the types that these very inputs lead to, whatever the graph knew of them.
        GraphBuilder builder = new();
        Node typed = builder.AddNode(op, [.. inputs.Select(i => i is null ? Value.None : builder.Constant(i))]);
        return op.Evaluate(inputs, typed.OutputTypes);
    }

    /// <summary>The symbols' values, from the shapes of the inputs.</summary>
    private static Dictionary<IndexVar, long> Bind(Graph graph, IReadOnlyList<TensorData> inputs, IReadOnlyDictionary<IndexVar, long> around)
    {
        if (inputs.Count != graph.Inputs.Length) throw new ArgumentException($"The graph takes {graph.Inputs.Length} inputs, not {inputs.Count}.");
        Dictionary<IndexVar, long> symbols = new(around);
        for (int pass = 0; pass < 2; pass++)
        {
            // First the dims that are symbols, then whether the others agree.
            for (int i = 0; i < inputs.Count; i++)
            {
                TensorType type = graph.Inputs[i].Value.Type;
                if (inputs[i].Element != type.Element || inputs[i].Dims.Length != type.Rank) throw Misfit(i);
                for (int axis = 0; axis < type.Rank; axis++)
                {
                    IndexExpr dim = type.Dims[axis];
                    if (pass == 0 && dim.Terms is [{ Coefficient: 1, Atoms: [IndexVar symbol] }]) symbols.TryAdd(symbol, inputs[i].Dims[axis]);
                    else if (pass == 1 && dim.Variables.All(symbols.ContainsKey) && dim.Evaluate(s => symbols[s]) != inputs[i].Dims[axis]) throw Misfit(i);
                }
            }
        }

        return symbols;

        ArgumentException Misfit(int input) =>
            new($"Input '{graph.Inputs[input].Name}' is {graph.Inputs[input].Value.Type}, not {TensorType.Of(inputs[input].Element, inputs[input].Dims)}.");
    }
}
