using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Gives every output a value of its own: where a model's output is an input, a constant, or another output too, an <see cref="Identity"/> copies
/// it. A plan then has a step that writes each output.
/// </summary>
public sealed class SeparateOutputs : IPass
{
    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        GraphBuilder builder = new();
        Dictionary<Value, Value> copied = Rebuild.Copy(graph, builder);
        HashSet<Value> taken = [];
        List<GraphPort> outputs = [];
        foreach (GraphPort port in graph.Outputs)
        {
            Value value = copied[port.Value];
            builder.CurrentName = port.Name;
            if (value.Op is Input or Constant || value.Op.IsInPlace) value = builder.Add(new Identity(), value);
            // Interning would make a second copy the same node: each is a copy of the one before.
            while (!taken.Add(value)) value = builder.Add(new Identity(), value);
            outputs.Add(port with { Value = value });
        }

        return builder.Build(graph.Name, graph.Inputs.Select(p => p with { Value = copied[p.Value] }), outputs, graph.Symbols);
    }
}
