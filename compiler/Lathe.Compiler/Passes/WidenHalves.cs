using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Passes;

/// <summary>
/// f(x: float16) → cast(f(cast(x)), float16), with the casts between operators left out: float16 and bfloat16 are computed in float32 from one end of the
/// model to the other. Kernels compute them in float32 anyway; what is left out is the rounding in between, and its time. What is written by a
/// cast of the model's own stays rounded.
/// </summary>
public sealed class WidenHalves : IPass
{
    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        IReadOnlyList<Node> order = graph.TopologicalOrder();
        GraphBuilder builder = new();
        Dictionary<Value, Value> narrow = [], wide = [];
        foreach (Node node in order)
        {
            builder.CurrentName = graph.Names.GetValueOrDefault(node);
            bool widened = IsWidened(node, wide);
            Node copy = builder.AddNode(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : widened && IsHalf(v.Type) ? Wide(v) : Narrow(v))]);
            for (int i = 0; i < node.OutputTypes.Length; i++) (widened && IsHalf(node.OutputTypes[i]) ? wide : narrow)[node[i]] = copy[i];
        }

        IEnumerable<GraphPort> outputs = [.. graph.Outputs.Select(p => p with { Value = Narrow(p.Value) })];
        builder.CurrentName = null;
        return builder.Build(graph.Name, graph.Inputs.Select(p => p with { Value = narrow[p.Value] }), outputs, graph.Symbols);

        Value Wide(Value value) => wide.TryGetValue(value, out Value known) ? known : wide[value] = builder.Add(new Cast(ElementType.Float32), narrow[value]);

        Value Narrow(Value value) => narrow.TryGetValue(value, out Value known) ? known : narrow[value] = builder.Add(new Cast(value.Type.Element), wide[value]);
    }

    private static bool IsWidened(Node node, Dictionary<Value, Value> wide) => node.Op switch
    {
        Cast or BitCast => false,
        // What only moves elements moves them as they come.
        { Role: OpRole.Movement } => node.Inputs.Any(v => !v.IsNone && wide.ContainsKey(v)),
        { Role: OpRole.Opaque } => false,
        _ => node.Inputs.Any(v => !v.IsNone && IsHalf(v.Type)),
    };

    private static bool IsHalf(TensorType type) => type.Element is ElementType.Float16 or ElementType.BFloat16;
}
