using System.Globalization;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;

namespace Lathe.Compiler;

/// <summary>
/// What rules say of the precision of a model's convolutions and products. A rule that names what is folded into one or fused with it, a batch normalisation or an activation that
/// only it is read by, is about it: passes and reports may call it by either name.
/// </summary>
public sealed class NodePrecisions
{
    /// <summary>The option that rules are given with, for messages.</summary>
    public const string Option = "--precision-rules";

    private readonly Dictionary<string, NodeRule> _held = new(StringComparer.Ordinal);

    private NodePrecisions()
    {
    }

    /// <summary>No rules.</summary>
    public static NodePrecisions None { get; } = new();

    /// <summary>Warnings about rules that no convolution or product follows.</summary>
    public IReadOnlyList<Diagnostic> Warnings { get; private init; } = [];

    /// <summary>Reads the text of rules, <c>SELECTOR = fp32|fp16|bf16|int8</c>.</summary>
    /// <exception cref="DiagnosticException">A line is no rule.</exception>
    public static IReadOnlyList<NodeRule> Parse(string text) => NodeRules.Parse(
        Option, text, value => value is PrecisionNames.Fp32 or PrecisionNames.Fp16 or PrecisionNames.Bf16 or PrecisionNames.Int8 ? null : $"'{value}' is not one of fp32, fp16, bf16 and int8");

    /// <summary>Finds the nodes that rules are about.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="graph">The graph as it was imported.</param>
    /// <exception cref="DiagnosticException">A rule names no node of the model.</exception>
    public static NodePrecisions Of(IReadOnlyList<NodeRule> rules, Graph.Graph graph)
    {
        if (rules.Count == 0) return None;
        IReadOnlyDictionary<string, NodeRule> named = NodeRules.Resolve(Option, rules, graph);
        Dictionary<string, NodeRule> held = new(StringComparer.Ordinal);
        HashSet<string> members = new(StringComparer.Ordinal);
        foreach (IReadOnlyList<string> chain in Chains(graph))
        {
            members.UnionWith(chain);
            if (chain.Select(named.GetValueOrDefault).OfType<NodeRule>().MaxBy(r => r.Line) is not { } last) continue;
            foreach (string name in chain) held[name] = last;
        }

        NodePrecisions precisions = new()
        {
            Warnings =
            [
                .. rules.Where(rule => !rule.Selector.NamesIn(graph).Overlaps(members))
                    .Select(rule => new Diagnostic(DiagnosticTable.RuleWithoutProducts, null, Option, rule.Line.ToString(CultureInfo.InvariantCulture), rule.Selector.Text)),
            ],
        };
        foreach ((string name, NodeRule rule) in held) precisions._held.Add(name, rule);
        return precisions;
    }

    /// <summary>The rule that holds for a convolution or product; null if none does.</summary>
    /// <param name="node">Its name, or that of what is folded into it.</param>
    public NodeRule? RuleOf(string? node) => node is null ? null : _held.GetValueOrDefault(node);

    /// <summary>The names of each convolution or product and of what follows it, bodies included.</summary>
    private static IEnumerable<IReadOnlyList<string>> Chains(Graph.Graph graph)
    {
        Dictionary<Node, List<(Node User, int Input)>> users = graph.Users();
        HashSet<Node> read = [.. graph.Outputs.Select(o => o.Value.Node)];
        foreach (Node node in graph.TopologicalOrder())
        {
            foreach (IReadOnlyList<string> chain in node.Op.Bodies.SelectMany(Chains)) yield return chain;
            if (node.Op.Role != OpRole.Contraction) continue;
            List<string> names = [];
            for (Node? next = node; next is not null; next = Follower(next))
                if (graph.Names.TryGetValue(next, out string? name)) names.Add(name);
            yield return names;
        }

        // What is folded into a node, or computed with it: all else that it reads is constant.
        Node? Follower(Node node) => !read.Contains(node) && users[node] is [(var user, _)] && user.Op.Role == OpRole.Elementwise && user.OutputTypes.Length > 0
            && user.Inputs.All(v => v.IsNone || v.Node == node || v.Constant is not null) ? user : null;
    }
}
