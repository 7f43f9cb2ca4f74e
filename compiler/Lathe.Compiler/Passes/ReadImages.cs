using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Makes convolutions read images as they lie in the application's memory: what converts an image and brings its axes and channels into the model's order
/// becomes part of the convolution's group, computed some rows at a time in scratch memory. There pixels lie as in the image, so that a row is converted as one run;
/// the convolution, which reads single elements of its input, reads them in any order.
/// </summary>
public sealed class ReadImages : IPass
{
    /// <summary>More channels than an image has are read in blocks.</summary>
    private const long MostChannels = AssignLayouts.Block - 1;

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
            if (node.Op is Fused { Root.Op: Conv } group && Port(node, group) is { } port && Image.Of(node.Inputs[port]) is { } image)
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

    /// <summary>True for an image that a convolution is to convert itself, before there are groups.</summary>
    public static bool IsImage(Value value) => Image.Of(value) is not null;

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

    private static Value Read(Graph.Graph graph, Node node, Fused group, int port, Image image, GraphBuilder builder, Dictionary<Value, Value> replaced)
    {
        GroupBody body = new(graph.Symbols);
        Dictionary<Value, Value> inside = [];
        for (int i = 0; i < node.Inputs.Length; i++)
            if (i != port) inside[group.Body.Inputs[i].Value] = body.Port(replaced[node.Inputs[i]]);
        inside[group.Body.Inputs[port].Value] = image.AsRows(body, graph.Symbols, builder, replaced[image.Source]);
        foreach (Node member in group.Body.TopologicalOrder())
        {
            if (member.Op is Input) continue;
            body.Builder.CurrentName = group.Body.Names.GetValueOrDefault(member);
            Node copy = body.Builder.AddNode(member.Op, [.. member.Inputs.Select(v => v.IsNone ? v : inside[v])]);
            for (int i = 0; i < member.OutputTypes.Length; i++) inside[member[i]] = copy[i];
        }

        return builder.Add(body.Build(inside[group.Result], group.OutputLayout), [.. body.Inputs]);
    }

    /// <summary>An image and what is done with it before it is convolved: conversion, the order of axes, a part of its channels, a border.</summary>
    private sealed record Image(Value Source, bool IsInterleaved, ElementType To, (long First, long Count)? Channels, (EquatableArray<long> Low, EquatableArray<long> High, double[] Values)? Outside)
    {
        private IndexExpr C => Source.Type.Dims[IsInterleaved ? 3 : 1];

        private IndexExpr H => Source.Type.Dims[IsInterleaved ? 1 : 2];

        private IndexExpr W => Source.Type.Dims[IsInterleaved ? 2 : 3];

        /// <summary>The image that a value is; null for what is none, and for an input that is read as it is without a border.</summary>
        public static Image? Of(Value value)
        {
            if (value.Type.Rank != 4 || Chain(value) is not var (source, chain) || chain.Count == 0 || source.Type.Rank != 4) return null;
            (long, long)? channels = null;
            (EquatableArray<long>, EquatableArray<long>, double[])? outside = null;
            int next = 0;
            if (chain[next] is { Node: { Op: Border { PadLow.Length: 2 } border, Inputs: [var x, _] }, Values: { } values })
            {
                long count = x.Type.Dims[1].IsConstant ? x.Type.Dims[1].Value : 0;
                if (values.Dims is not [var per, 1, 1] || (per != 1 && per != count)) return null;
                outside = (border.PadLow, border.PadHigh, [.. Enumerable.Range(0, (int)count).Select(c => values.GetDouble(per == 1 ? 0 : c))]);
                next++;
            }

            if (next < chain.Count && chain[next].Node is { Op: Slice slice, Inputs: [var all] })
            {
                IReadOnlyList<Slice.Part> parts = slice.PartsOf(all.Type);
                if (parts.Where((p, axis) => axis != 1 && p != new Slice.Part(IndexExpr.Zero, 1, all.Type.Dims[axis])).Any() || parts[1] is not { Step: 1, Start.IsConstant: true, Count.IsConstant: true }) return null;
                channels = (parts[1].Start.Value, parts[1].Count.Value);
                next++;
            }

            ElementType to = value.Type.Element;
            bool isMoved = false, isCast = false;
            for (; next < chain.Count; next++)
            {
                if (chain[next].Node.Op is Cast && !isCast) isCast = true;
                else if (!isMoved && MovesChannels(chain[next].Node)) isMoved = true;
                else return null;
            }

            Image image = new(source, isMoved, to, channels, outside);
            // A row of values is as long as the row, unless all are the same.
            bool fits = to == ElementType.Float32 && image.C is { IsConstant: true, Value: <= MostChannels } && (image.W.IsConstant || outside is null || outside.Value.Item3.Distinct().Count() == 1);
            return fits ? image : null;
        }

        /// <summary>What is done with an input of the graph, last first, through groups and outside of them, and the values of borders; null if that is more than an image takes.</summary>
        private static (Value Source, List<(Node Node, TensorData? Values)> Chain)? Chain(Value value)
        {
            List<(Node, TensorData?)> chain = [];
            while (value.Op is not Input)
            {
                if (value.Op is not Fused map)
                {
                    if (!IsStep(value.Op)) return null;
                    chain.Add((value.Node, value.Op is Border ? value.Node.Inputs[1].Constant : null));
                    value = value.Node.Inputs[0];
                    continue;
                }

                Value inner = map.Result;
                Value Outside(Value port) => value.Node.Inputs[map.Body.Inputs.ToList().FindIndex(p => p.Value == port)];
                while (inner.Op is not Input)
                {
                    if (!IsStep(inner.Op)) return null;
                    chain.Add((inner.Node, inner.Op is Border ? inner.Node.Inputs[1].Constant ?? Outside(inner.Node.Inputs[1]).Constant : null));
                    inner = inner.Node.Inputs[0];
                }

                value = Outside(inner);
            }

            return (value, chain);

            static bool IsStep(Op op) => op is Border or Slice or Transpose or Reshape or Cast;
        }

        /// <summary>True for NHWC → NCHW, which of one channel is a reshape.</summary>
        private static bool MovesChannels(Node node) => node.Op switch
        {
            Transpose transpose => transpose.Permutation(node.Inputs[0].Type.Rank).SequenceEqual([0, 3, 1, 2]),
            Reshape => node.Inputs[0].Type.Dims is [var n, var h, var w, var c] && c == IndexExpr.One && node.OutputTypes[0].Dims.SequenceEqual([n, c, h, w]),
            _ => false,
        };

        /// <summary>The convolution's input in the body of its group: rows of the image, converted and with their border in a group of their own, seen in the model's order.</summary>
        public Value AsRows(GroupBody body, IReadOnlyList<IndexVar> symbols, GraphBuilder outer, Value source)
        {
            IndexExpr n = Source.Type.Dims[0], wide = W;
            // Pixels side by side are one row of elements.
            Value memory = IsInterleaved ? outer.Add(new View((EquatableArray<IndexExpr>)[n, H, W * C]), source) : source;
            GroupBody rows = new(symbols);
            Value x = rows.Port(memory);
            if (x.Type.Element != To) x = rows.Builder.Add(new Cast(To), x);
            IndexExpr high = H;
            if (Outside is var (low, above, _))
            {
                long pixel = IsInterleaved ? C.Value : 1;
                (high, wide) = (H + low[0] + above[0], W + low[1] + above[1]);
                x = rows.Builder.Add(new Border([low[0], low[1] * pixel], [above[0], above[1] * pixel]), x, rows.Port(outer.Constant(Values(wide))));
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

            if (IsInterleaved) x = body.Builder.Add(new Transpose([0, 3, 1, 2]), body.Builder.Add(new Reshape([n, high, wide, C]), x));
            return Channels is var (first, count) ? body.Builder.Add(new Slice([first], [first + count], [1]), x) : x;
        }

        /// <summary>The values of the border: one for all, one for each plane, or those of a row of pixels.</summary>
        private TensorData Values(IndexExpr wide)
        {
            double[] all = Outside!.Value.Values, values = new double[C.Value];
            if (all.Distinct().Count() == 1) return TensorData.OfFloats([(float)all[0]]);
            all.CopyTo(values, Channels?.First ?? 0);
            TensorData data = IsInterleaved ? TensorData.Zeros(To, wide.Value * values.Length) : TensorData.Zeros(To, values.Length, 1, 1);
            for (int i = 0; i < data.Count; i++) data.SetDouble(i, values[i % values.Length]);
            return data;
        }
    }
}
