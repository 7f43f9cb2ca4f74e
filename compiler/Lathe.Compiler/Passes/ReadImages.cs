using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Compiler.Rules;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Makes convolutions read images as they lie in the application's memory: what converts an image and brings its axes and channels into the model's order
/// becomes part of the convolution's group, computed some rows at a time in scratch memory. There pixels lie as in the image, so that a row is converted as one run;
/// the convolution, which reads single elements of its input, reads them in any order.
/// </summary>
public sealed class ReadImages : IPass
{
    /// <inheritdoc/>
    public bool RunsInBodies => false;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        if (!context.Options.Optimize) return graph;
        GraphBuilder builder = new();
        Dictionary<Value, Value> replaced = [];
        foreach (Node node in graph.TopologicalOrder())
        {
            builder.CurrentName = graph.Names.GetValueOrDefault(node);
            if (node.Op is Fused { Root.Op: Conv } group && Port(node, group) is { } port && SourceImage.Of(node.Inputs[port]) is { } image
                && context.Permissions?.Of(node, graph) == context.Permissions?.Of(node.Inputs[port].Node, graph))
            {
                replaced[node[0]] = Read(graph, node, group, port, image, builder, replaced);
                continue;
            }

            Node copy = builder.AddNode(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : replaced[v])]);
            for (int i = 0; i < node.OutputTypes.Length; i++) replaced[node[i]] = copy[i];
        }

        builder.CurrentName = null;
        return builder.Build(
            graph.Name, graph.Inputs.Select(p => p with { Value = replaced[p.Value] }), graph.Outputs.Select(p => p with { Value = replaced[p.Value] }), graph.Symbols);
    }

    /// <summary>The input of a group that its convolution reads, and nothing else in it.</summary>
    private static int? Port(Node node, Fused group)
    {
        Value x = group.Root.Inputs[0];
        int port = group.Body.Inputs.ToList().FindIndex(p => p.Value == x);
        bool isRead = port >= 0 && group.Members.Sum(m => m.Inputs.Count(v => v == x)) == 1 && node.Inputs[port].Type.Layout is null;
        Conv conv = (Conv)group.Root.Op;
        bool isPlain = (group.Root.Inputs.Length < 4 || group.Root.Inputs[3].IsNone) && conv.WindowOf(x.Type, group.Root.Inputs[1].Type) is var window && window.PadLow.Concat(window.PadHigh).All(p => p == IndexExpr.Zero);
        return isRead && isPlain ? port : null;
    }

    private static Value Read(Graph.Graph graph, Node node, Fused group, int port, SourceImage image, GraphBuilder builder, Dictionary<Value, Value> replaced)
    {
        GroupBody body = new(graph.Symbols);
        Dictionary<Value, Value> inside = [];
        for (int i = 0; i < node.Inputs.Length; i++)
            if (i != port) inside[group.Body.Inputs[i].Value] = body.Port(replaced[node.Inputs[i]]);
        inside[group.Body.Inputs[port].Value] = AsRows(image, body, graph.Symbols, builder, replaced[image.Source]);
        foreach (Node member in group.Body.TopologicalOrder())
        {
            if (member.Op is Input) continue;
            body.Builder.CurrentName = group.Body.Names.GetValueOrDefault(member);
            Node copy = body.Builder.AddNode(member.Op, [.. member.Inputs.Select(v => v.IsNone ? v : inside[v])]);
            for (int i = 0; i < member.OutputTypes.Length; i++) inside[member[i]] = copy[i];
        }

        return builder.Add(body.Build(inside[group.Result], group.OutputLayout), [.. body.Inputs]);
    }

    /// <summary>The convolution's input in the body of its group: rows of the image, converted and with their border in a group of their own, seen in the model's order.</summary>
    private static Value AsRows(SourceImage image, GroupBody body, IReadOnlyList<IndexVar> symbols, GraphBuilder outer, Value source)
    {
        IndexExpr n = image.Source.Type.Dims[0], high = image.H, wide = image.W;
        // Pixels side by side are one row of elements.
        Value memory = image.IsInterleaved ? outer.Add(new View((EquatableArray<IndexExpr>)[n, high, wide * image.C]), source) : source;
        GroupBody rows = new(symbols);
        Value x = rows.Port(memory);
        if (x.Type.Element != image.To) x = rows.Builder.Add(new Cast(image.To), x);
        if (image.Outside is var (low, above, _))
        {
            long pixel = image.IsInterleaved ? image.C.Value : 1;
            (high, wide) = (high + low[0] + above[0], wide + low[1] + above[1]);
            x = rows.Builder.Add(new Border([low[0], low[1] * pixel], [above[0], above[1] * pixel]), x, rows.Port(outer.Constant(image.Values(wide))));
        }

        if (x.Op is not Input)
        {
            Value[] read = [.. rows.Inputs.Select(body.Port)];
            x = body.Builder.Add(rows.Build(x), read);
        }
        else
        {
            x = body.Port(memory);
        }

        if (image.IsInterleaved) x = body.Builder.Add(new Transpose([0, 3, 1, 2]), body.Builder.Add(new Reshape([n, high, wide, image.C]), x));
        return image.Channels is var (first, count) ? body.Builder.Add(new Slice([first], [first + count], [1]), x) : x;
    }
}
