using Lathe.Compiler.Graph;
using Lathe.Compiler.Rules;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Applies rules to every node, inputs first, until none applies any more. Replacements carry the name of what they replace. Counts
/// applications, and stops at a given number so that a wrong rule can be found by bisection.
/// </summary>
public static class Rewriter
{
    /// <summary>More sweeps than any graph needs whose rules come to an end.</summary>
    private const int MaxSweeps = 200;

    /// <summary>More rewrites of one node in one sweep than any rules need that come to an end.</summary>
    private const int MaxRewritesOfNode = 100;

    /// <summary>The graph with rules applied.</summary>
    /// <exception cref="InvalidOperationException">The rules undo each other, or a replacement has another type: faults of the rules.</exception>
    public static Graph.Graph Run(Graph.Graph graph, RuleSet rules, PassContext context)
    {
        for (int sweep = 0; sweep < MaxSweeps; sweep++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            int before = context.Rewrites;
            graph = Sweep(graph, rules, context);
            if (context.Rewrites == before) return graph;
        }

        throw new InvalidOperationException($"The rules of {rules.Name} do not come to an end.");
    }

    private static Graph.Graph Sweep(Graph.Graph graph, RuleSet rules, PassContext context)
    {
        GraphBuilder builder = new();
        Rewriting rewriting = new(builder);
        Dictionary<Value, int> uses = UsesOf(graph);
        Dictionary<Value, Value> replaced = [];
        foreach (Node node in graph.TopologicalOrder())
        {
            builder.CurrentName = graph.Names.GetValueOrDefault(node);
            Node copy = builder.AddNode(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : replaced[v])]);
            for (int output = 0; output < node.OutputTypes.Length; output++)
            {
                Value value = copy.OutputTypes.Length == 1 ? Rewrite(copy, rules, rewriting, context) : copy[output];
                replaced.Add(node[output], value);
                rewriting.CountUses(value, uses.GetValueOrDefault(node[output]));
            }
        }

        return builder.Build(
            graph.Name,
            graph.Inputs.Select(p => p with { Value = replaced[p.Value] }),
            graph.Outputs.Select(p => p with { Value = replaced[p.Value] }),
            graph.Symbols);
    }

    private static Value Rewrite(Node node, RuleSet rules, Rewriting rewriting, PassContext context)
    {
        Value value = node[0];
        for (int round = 0; context.MayRewrite; round++)
        {
            if (value.Node.OutputTypes.Length != 1 || TryRules(value.Node, rules, rewriting, context) is not { } next || next == value) return value;
            if (round == MaxRewritesOfNode) throw new InvalidOperationException($"The rules of {rules.Name} do not come to an end at {value.Op}.");
            value = next;
        }

        return value;
    }

    private static Value? TryRules(Node node, RuleSet rules, Rewriting rewriting, PassContext context)
    {
        foreach (Rule rule in rules.Rules)
        {
            if (rule(node, rewriting) is not { } value || value.Node == node) continue;
            if (value.Type != node.OutputTypes[0])
            {
                throw new InvalidOperationException(
                    $"{RuleSet.NameOf(rule)} replaces {node.Op} of type {node.OutputTypes[0]} by {value.Op} of type {value.Type}.");
            }

            context.Count(RuleSet.NameOf(rule));
            return value;
        }

        return null;
    }

    private static Dictionary<Value, int> UsesOf(Graph.Graph graph)
    {
        Dictionary<Value, int> uses = [];
        foreach (Value value in graph.TopologicalOrder().SelectMany(n => n.Inputs).Where(v => !v.IsNone).Concat(graph.Outputs.Select(o => o.Value)))
            uses[value] = uses.GetValueOrDefault(value) + 1;
        return uses;
    }
}
