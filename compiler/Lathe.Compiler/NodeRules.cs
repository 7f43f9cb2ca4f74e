using System.Globalization;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Compiler;

/// <summary>A line of a file of rules.</summary>
/// <param name="Line">Its number, from 1.</param>
/// <param name="Selector">The nodes that it is about.</param>
/// <param name="Value">What it says of them.</param>
public sealed record NodeRule(int Line, NodeSelector Selector, string Value);

/// <summary>
/// Rules about the nodes of a model, one a line: <c>SELECTOR = VALUE</c>, the selector as in <see cref="NodeSelector"/>. Of the rules that name a node the last one holds, so that exceptions
/// stand below what they are exceptions of. Empty lines and lines that begin with '#' mean nothing.
/// </summary>
public static class NodeRules
{
    /// <summary>Reads rules.</summary>
    /// <param name="option">The option that they were given with, for messages.</param>
    /// <param name="text">The text.</param>
    /// <param name="check">Says why a value is none; null for one that is.</param>
    /// <exception cref="DiagnosticException">A line is no rule.</exception>
    public static IReadOnlyList<NodeRule> Parse(string option, string text, Func<string, string?> check)
    {
        List<NodeRule> rules = [];
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            // Values have no '='; names may.
            int equals = line.LastIndexOf('=');
            if (equals < 0) throw Malformed(option, i + 1, "'SELECTOR = VALUE' is expected");
            string value = line[(equals + 1)..].Trim();
            if (check(value) is { } reason) throw Malformed(option, i + 1, reason);
            try
            {
                rules.Add(new NodeRule(i + 1, NodeSelector.Parse(line[..equals].Trim()), value));
            }
            catch (FormatException e)
            {
                throw Malformed(option, i + 1, e.Message);
            }
        }

        return rules;
    }

    /// <summary>The rule that holds for each node that one names, by the node's name.</summary>
    /// <param name="option">The option that they were given with, for messages.</param>
    /// <param name="rules">The rules.</param>
    /// <param name="graph">The graph as it was imported.</param>
    /// <exception cref="DiagnosticException">A rule names no node of the model.</exception>
    public static IReadOnlyDictionary<string, NodeRule> Resolve(string option, IReadOnlyList<NodeRule> rules, Graph.Graph graph)
    {
        Dictionary<string, NodeRule> held = new(StringComparer.Ordinal);
        foreach (NodeRule rule in rules)
        {
            IReadOnlySet<string> names;
            try
            {
                names = rule.Selector.NamesIn(graph);
            }
            catch (FormatException e)
            {
                throw Malformed(option, rule.Line, e.Message);
            }

            if (names.Count == 0)
                throw new DiagnosticException(new Diagnostic(DiagnosticTable.RuleWithoutNodes, null, option, rule.Line.ToString(CultureInfo.InvariantCulture), rule.Selector.Text));
            foreach (string name in names) held[name] = rule;
        }

        return held;
    }

    private static DiagnosticException Malformed(string option, int line, string reason) =>
        new(new Diagnostic(DiagnosticTable.BadRule, null, option, line.ToString(CultureInfo.InvariantCulture), reason));
}
