using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Control;

namespace Lathe.Compiler.Passes;

/// <summary>if(true, x) → then(x), if(false, x) → else(x): the body takes the operator's place.</summary>
public sealed class InlineBranches : IPass
{
    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rebuild.Run(graph, (node, builder) =>
        node is { Op: If branch, Inputs: [{ Constant: { Count: 1 } condition }, .. var captured] }
            ? Inline(condition.GetInt64(0) != 0 ? branch.Then : branch.Else, captured, builder)
            : null);

    private static List<Value> Inline(Graph.Graph body, IReadOnlyList<Value> inputs, GraphBuilder builder)
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
}
