using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;

namespace Lathe.Compiler;

/// <summary>
/// How rules name nodes of a model: a node's name; <c>op:Conv</c>, all nodes of an operator; <c>/regex/</c>, all in whose names it is found; <c>between:A..B</c>, all on
/// paths from tensor A to tensor B, those that read A and that which makes B among them. Names are those of the ONNX file; a node without one is called by its operator and its first
/// output, such as <c>Conv_12</c> for the output <c>12</c>. Selectors see the graph as it was imported, bodies of branches and loops too; what a pass makes of a node keeps its name.
/// </summary>
public sealed class NodeSelector
{
    /// <summary>How long a regular expression may take for a name. It needs time in proportion to the name, so that only absurd ones come near.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly Func<Graph.Graph, IEnumerable<string>> _names;

    private NodeSelector(string text, Func<Graph.Graph, IEnumerable<string>> names)
    {
        Text = text;
        _names = names;
    }

    /// <summary>The selector as it was written.</summary>
    public string Text { get; }

    /// <summary>Reads a selector.</summary>
    /// <param name="text">The text, without blanks around it.</param>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static NodeSelector Parse(string text)
    {
        if (text.Length == 0) throw new FormatException("a node's name, op:OPERATOR, /REGEX/ or between:TENSOR..TENSOR is expected");
        if (text.StartsWith("op:", StringComparison.Ordinal) && text[3..] is var op)
            return new NodeSelector(text, graph => NodeNames.Of(graph).ByOperator[op]);
        if (text.StartsWith("between:", StringComparison.Ordinal))
        {
            string tensors = text["between:".Length..];
            if (!tensors.Contains("..", StringComparison.Ordinal)) throw new FormatException($"'{text}' lacks the second tensor: between:A..B");
            return new NodeSelector(text, graph => Between(graph, tensors));
        }

        // Names that PyTorch writes begin with a slash; none ends with one.
        if (text is ['/', _, .., '/'])
        {
            Regex regex = RegexOf(text[1..^1]);
            return new NodeSelector(text, graph => NodeNames.Of(graph).All.Where(name => IsMatch(regex, name)));
        }

        return new NodeSelector(text, graph => NodeNames.Of(graph).All.Contains(text) ? [text] : []);
    }

    /// <summary>The names of the nodes that a selector means; empty if there are none.</summary>
    /// <param name="graph">The graph as it was imported.</param>
    /// <exception cref="FormatException">The regular expression takes too long.</exception>
    public IReadOnlySet<string> NamesIn(Graph.Graph graph) => _names(graph).ToHashSet(StringComparer.Ordinal);

    private static Regex RegexOf(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, Longest);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new FormatException($"'{pattern}' is no regular expression that can be matched in linear time: {e.Message}");
        }
    }

    private static bool IsMatch(Regex regex, string name)
    {
        try
        {
            return regex.IsMatch(name);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new FormatException($"'{regex}' takes too long for the name '{name}'");
        }
    }

    private static IEnumerable<string> Between(Graph.Graph graph, string tensors)
    {
        // Names may have dots of their own: the first place at which both sides are tensors counts.
        for (int dots = tensors.IndexOf("..", StringComparison.Ordinal); dots >= 0; dots = tensors.IndexOf("..", dots + 1, StringComparison.Ordinal))
            if (graph.Tensors.TryGetValue(tensors[..dots], out Value from) && graph.Tensors.TryGetValue(tensors[(dots + 2)..], out Value to)) return Between(graph, from, to);
        return [];
    }

    private static IEnumerable<string> Between(Graph.Graph graph, Value from, Value to)
    {
        IReadOnlyList<Node> order = graph.TopologicalOrder();
        HashSet<Node> after = [], before = [to.Node];
        foreach (Node node in order)
            if (node.Inputs.Any(v => v == from || (!v.IsNone && after.Contains(v.Node)))) after.Add(node);
        foreach (Node node in order.Reverse())
            if (before.Contains(node)) before.UnionWith(node.Inputs.Where(v => !v.IsNone).Select(v => v.Node));
        return order.Where(n => after.Contains(n) && before.Contains(n)).Select(graph.Names.GetValueOrDefault).OfType<string>();
    }

    /// <summary>The names of what computes something, bodies included. Files that are written for large models have a rule for each of many nodes: the graph is walked once for all.</summary>
    private sealed class NodeNames
    {
        private static readonly ConditionalWeakTable<Graph.Graph, NodeNames> Known = new();

        private NodeNames(Graph.Graph graph)
        {
            (Node Node, string Name)[] nodes = [.. Nodes(graph)];
            All = nodes.Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
            ByOperator = nodes.ToLookup(n => n.Node.Op.Name, n => n.Name, StringComparer.Ordinal);
        }

        public IReadOnlySet<string> All { get; }

        public ILookup<string, string> ByOperator { get; }

        public static NodeNames Of(Graph.Graph graph) => Known.GetValue(graph, g => new NodeNames(g));

        private static IEnumerable<(Node Node, string Name)> Nodes(Graph.Graph graph) => graph.TopologicalOrder().Where(n => n.Op is not (Input or Constant)).SelectMany(node =>
            node.Op.Bodies.SelectMany(Nodes).Concat(graph.Names.TryGetValue(node, out string? name) ? [(node, name)] : []));
    }
}
