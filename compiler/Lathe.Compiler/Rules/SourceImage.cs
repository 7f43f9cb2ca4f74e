using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Rules;

/// <summary>An image outside of the graph, and what is done with it before it is convolved.</summary>
/// <param name="Source">The graph's input.</param>
/// <param name="IsInterleaved">True for NHWC in memory.</param>
/// <param name="To">The type that it is converted to.</param>
/// <param name="Channels">Which of its channels are read; null for all.</param>
/// <param name="Outside">The border around its rows and columns, and the value of each channel there; null for none.</param>
internal sealed record SourceImage(Value Source, bool IsInterleaved, ElementType To, (long First, long Count)? Channels, (EquatableArray<long> Low, EquatableArray<long> High, double[] Values)? Outside)
{
    /// <summary>More channels than an image has are read in blocks.</summary>
    private const long MostChannels = PackedLayouts.Panel - 1;

    /// <summary>Its channels.</summary>
    public IndexExpr C => Source.Type.Dims[IsInterleaved ? 3 : 1];

    /// <summary>Its rows.</summary>
    public IndexExpr H => Source.Type.Dims[IsInterleaved ? 1 : 2];

    /// <summary>Its columns.</summary>
    public IndexExpr W => Source.Type.Dims[IsInterleaved ? 2 : 3];

    /// <summary>The image that a value is; null for what is none, and for an input that is read as it is without a border.</summary>
    public static SourceImage? Of(Value value)
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

        SourceImage image = new(source, isMoved, to, channels, outside);
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

    /// <summary>The values of the border: one for all, one for each plane, or those of a row of pixels.</summary>
    /// <param name="wide">The length of a row, border included.</param>
    public TensorData Values(IndexExpr wide)
    {
        double[] all = Outside!.Value.Values, values = new double[C.Value];
        if (all.Distinct().Count() == 1) return TensorData.OfFloats([(float)all[0]]);
        all.CopyTo(values, Channels?.First ?? 0);
        TensorData data = IsInterleaved ? TensorData.Zeros(To, wide.Value * values.Length) : TensorData.Zeros(To, values.Length, 1, 1);
        for (int i = 0; i < data.Count; i++) data.SetDouble(i, values[i % values.Length]);
        return data;
    }
}
