using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Graph;

/// <summary>Checks what every graph promises; run after each pass where tests or the user ask for it.</summary>
public static class GraphVerifier
{
    /// <summary>Checks a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="after">What made it, for the message.</param>
    /// <exception cref="InvalidOperationException">A promise is broken: a fault of the pass, never of the model.</exception>
    public static void Verify(Graph graph, string after)
    {
        HashSet<Node> inputs = [.. graph.Inputs.Select(i => i.Value.Node)];
        HashSet<IndexVar> symbols = [.. graph.Symbols];
        Require(graph.Outputs.Length > 0, "it has no outputs");
        Require(graph.Inputs.Select(i => i.Name).Distinct().Count() == graph.Inputs.Length, "two inputs have the same name");
        Require(graph.Outputs.Select(o => o.Name).Distinct().Count() == graph.Outputs.Length, "two outputs have the same name");
        Require(symbols.Count == graph.Symbols.Length, "two symbols have the same name");
        foreach (GraphPort port in graph.Inputs) Require(port.Value.Op is Input, $"input '{port.Name}' is a {port.Value.Op.Name}");

        HashSet<Node> before = [];
        HashSet<IndexVar> computed = [.. graph.TopologicalOrder().Select(n => n.Op).OfType<Measure>().SelectMany(m => m.Variables)];
        Dictionary<Node, HashSet<IndexVar>> measured = [];
        foreach (Node node in graph.TopologicalOrder())
        {
            string name = graph.NameOf(node);
            foreach (Value input in node.Inputs.Where(v => !v.IsNone))
            {
                Require(before.Contains(input.Node), $"'{name}' comes before its input");
                Require(
                    input.Output >= 0 && input.Output < input.Node.OutputTypes.Length,
                    $"'{name}' reads an output that '{graph.NameOf(input.Node)}' does not have");
            }

            Require(node.Op is not Input || inputs.Contains(node), $"'{name}' is an input that the graph does not list");
            foreach (IndexVar variable in node.OutputTypes.SelectMany(t => t.Dims).SelectMany(d => d.Variables))
                Require(symbols.Contains(variable), $"'{name}' has the dim {variable}, which the graph does not declare");
            VerifyTypes(node, name);
            HashSet<IndexVar> known = [.. node.Inputs.Where(v => !v.IsNone).SelectMany(v => measured[v.Node])];
            if (node.Op is Measure measure) known.UnionWith(measure.Variables);
            foreach (IndexVar variable in node.OutputTypes.SelectMany(t => t.Dims).SelectMany(d => d.Variables).Where(computed.Contains))
                Require(known.Contains(variable), $"'{name}' has the dim {variable}, and does not wait for it to be measured");
            measured.Add(node, known);
            before.Add(node);
        }

        foreach (GraphPort port in graph.Outputs)
            Require(port.Value.Output < port.Value.Node.OutputTypes.Length, $"output '{port.Name}' is none of its node");

        void VerifyTypes(Node node, string name)
        {
            InferContext context = new(node.Op, node.Inputs, name);
            try
            {
                node.Op.Infer(context);
            }
            catch (Exception failed) when (failed is DiagnosticException or OverflowException)
            {
                throw Broken(failed.Message);
            }

            Require(
                context.Outputs.SequenceEqual(node.OutputTypes),
                $"'{name}' is {string.Join("; ", node.OutputTypes)}, its inputs say {string.Join("; ", context.Outputs)}");
            Require(context.Contents.SequenceEqual(node.Contents), $"'{name}' has other known elements than its inputs say");
        }

        void Require(bool condition, string otherwise)
        {
            if (!condition) throw Broken(otherwise);
        }

        InvalidOperationException Broken(string reason) => new($"The graph after {after} is broken: {reason}.");
    }
}
