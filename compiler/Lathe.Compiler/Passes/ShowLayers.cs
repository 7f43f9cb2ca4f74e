using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Makes outputs of what convolutions and products give, if <see cref="CompileOptions.ShowLayers"/> asks for it, named after their nodes: so that two compilations of a model can be compared
/// layer by layer. They follow the model's own outputs. What is around them has been folded into them already, as without it.
/// </summary>
public sealed class ShowLayers : IPass
{
    /// <inheritdoc/>
    public bool RunsInBodies => false;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        if (!context.Options.ShowLayers) return graph;
        HashSet<string> names = [.. graph.Inputs.Concat(graph.Outputs).Select(p => p.Name)];
        HashSet<Value> taken = [.. graph.Outputs.Select(p => p.Value)];
        List<GraphPort> outputs = [.. graph.Outputs];
        foreach (Node node in graph.TopologicalOrder().Where(n => n.Op.Role == OpRole.Contraction && n.OutputTypes[0].Element == ElementType.Float32))
        {
            if (!taken.Add(node[0])) continue;
            string name = graph.NameOf(node);
            for (int i = 2; !names.Add(name); i++) name = $"{graph.NameOf(node)}_{i}";
            outputs.Add(new GraphPort(name, node[0]));
        }

        return graph with { Outputs = [.. outputs] };
    }
}
