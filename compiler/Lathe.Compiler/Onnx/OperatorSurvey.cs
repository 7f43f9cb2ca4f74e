using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Operators;

namespace Lathe.Compiler.Onnx;

/// <summary>Looks through a model for operators that Lathe does not have, so that all are reported at once.</summary>
internal static class OperatorSurvey
{
    // A message stays of a length that can be read; inspect lists every node.
    private const int LengthOfNames = 360;

    /// <summary>One diagnostic per operator that is not supported, in order of first use.</summary>
    public static IReadOnlyList<Diagnostic> Unsupported(GraphProto graph, FunctionTable functions) =>
    [
        .. Nodes(graph, functions).GroupBy(missing => missing.Operator).Select(
            group => new Diagnostic(DiagnosticTable.UnsupportedOperator, null, group.Key, Where([.. group.Select(missing => missing.Node)]))),
    ];

    /// <summary>Every node whose operator is not supported, those of bodies and of the functions in use included.</summary>
    public static IEnumerable<(string Operator, string Node)> Nodes(GraphProto graph, FunctionTable functions)
    {
        HashSet<FunctionProto> seen = new(ReferenceEqualityComparer.Instance);
        Stack<IEnumerable<NodeProto>> bodies = new([graph.Node]);
        while (bodies.TryPop(out IEnumerable<NodeProto>? nodes))
        {
            foreach (NodeProto node in nodes)
            {
                foreach (GraphProto body in NodeOrder.Bodies(node)) bodies.Push(body.Node);
                if (Importer.IsConstant(node) || Importer.RowOf(node) is not null) continue;
                if (functions.Find(node) is { } function)
                {
                    if (seen.Add(function)) bodies.Push(function.Node);
                    continue;
                }

                yield return (node.Domain.Length == 0 ? node.OpType : $"{node.Domain}.{node.OpType}", Importer.NameOf(node));
            }
        }
    }

    private static string Where(List<string> nodes)
    {
        int named = 0;
        // A name stands in quotes, with a comma and a space.
        for (int length = 0; named < nodes.Count && (length += Clip(nodes[named]).Length + 4) <= LengthOfNames; named++)
        {
        }

        string names = string.Join(", ", nodes.Take(named).Select(n => $"'{Clip(n)}'"));
        string more = nodes.Count > named ? $" and {nodes.Count - named} more" : "";
        return $" ({(nodes.Count == 1 ? "node" : "nodes")} {names}{more})";
    }

    private static string Clip(string name) => name.Length <= 80 ? name : string.Concat(name.AsSpan(0, 80), "…");
}
