using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>
/// conv(select(x), w) → conv(x, w'), where select takes channels of an image in any order, or every s-th row and column for each of s·s blocks of channels, as networks do
/// that begin with a space-to-depth. The weights move to where the elements are: to other channels, and to other places of a window s times as wide. Only for what comes
/// from outside the graph, and where no weights are added. Channels between the first and the last that are read stay. Steps only for images that the convolution converts
/// itself, which then needs no pass before it; others are as fast with their blocks of channels made first and tiles after that.
/// </summary>
public static class ConvOfSelection
{
    /// <summary>Where the channels of a value come from.</summary>
    /// <param name="X">The image.</param>
    /// <param name="Steps">The distance of neighbouring rows and columns.</param>
    /// <param name="Channels">For each channel that of the image, and its first row and column.</param>
    private sealed record Selection(Value X, (long H, long W) Steps, IReadOnlyList<(long Channel, long H, long W)> Channels);

    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (Filters.Of(node) is not { Op.Group: 1, Weights.Dims.Length: 4 } filters || filters.Input.Op is not (Slice or Concat or Expand or SpaceToDepth)) return null;
        if (Of(filters.Input) is not var (x, (down, across), channels) || !InputArithmetic.IsFromOutside(x)) return null;
        long first = channels.Min(c => c.Channel), count = channels.Max(c => c.Channel) + 1 - first;
        bool isStepped = down != 1 || across != 1;
        if (isStepped && !InputArithmetic.IsConverted(x)) return null;
        if (count * down * across > channels.Count || (!isStepped && channels.Select((c, i) => c.Channel == first + i).All(same => same))) return null;

        TensorType selected = filters.Input.Type;
        Window window = filters.Op.WindowOf(selected, TensorType.Of(filters.Weights.Element, filters.Weights.Dims));
        if (isStepped && window.Dilations.Any(d => d != 1)) return null;
        long[] steps = [down, across];
        IndexExpr[] low = [.. window.PadLow.Items.Select((p, i) => p * steps[i])];
        // As many windows as before: what the steps leave over at the end is no part of one.
        IndexExpr[] high = [.. window.PadHigh.Items.Select((p, i) => ((selected.Dims[i + 2] + p) * steps[i]) - x.Type.Dims[i + 2])];
        if (!low.Concat(high).All(p => p.IsConstant && p.Value >= 0) || Moved(filters, channels, first, count, steps) is not { } moved) return null;

        Value image = count == x.Type.Dims[1].Value ? x : g.Add(new Slice([first], [first + count], [1]), x);
        Conv op = filters.Op with
        {
            AutoPad = "NOTSET",
            KernelShape = [],
            Pads = [.. low.Concat(high).Select(p => p.Value)],
            Strides = [.. window.Strides.Items.Select((s, i) => s * steps[i])],
        };
        return (moved with { Op = op, Input = image }).Build(g);
    }

    /// <summary>The weights where the elements are; null if one channel would have several values outside of the image.</summary>
    private static Filters? Moved(Filters filters, IReadOnlyList<(long Channel, long H, long W)> channels, long first, long count, long[] steps)
    {
        double[]? outside = filters.Outside is null ? null : new double[count];
        for (int c = 0; outside is not null && c < channels.Count; c++) outside[channels[c].Channel - first] = filters.Outside![c];
        if (outside is not null && channels.Select((c, i) => outside[c.Channel - first] == filters.Outside![i]).Contains(false)) return null;
        long high = filters.Weights.Dims[2], wide = filters.Weights.Dims[3];
        long[] dims = [filters.Count, count, high * steps[0], wide * steps[1]];
        double[] values = new double[dims.Aggregate(1L, (a, b) => a * b)];
        int from = 0;
        for (long o = 0; o < filters.Count; o++)
        {
            foreach ((long channel, long top, long left) in channels)
            {
                for (long h = 0; h < high; h++)
                {
                    for (long w = 0; w < wide; w++)
                        values[(((((o * count) + channel - first) * dims[2]) + (h * steps[0]) + top) * dims[3]) + (w * steps[1]) + left] += filters.Weights.GetDouble(from++);
                }
            }
        }

        TensorData weights = TensorData.Zeros(filters.Weights.Element, dims);
        for (int i = 0; i < values.Length; i++) weights.SetDouble(i, values[i]);
        return filters with { Weights = weights, Outside = outside };
    }

    private static Selection? Of(Value value)
    {
        if (value.Type.Rank != 4 || !value.Type.Dims[1].IsConstant) return null;
        switch (value.Node)
        {
            case { Op: Slice slice, Inputs: [var x] }:
                return Of(x) is { } inner ? Sliced(inner, slice.PartsOf(x.Type)) : null;
            case { Op: Expand, Inputs: [var x] } when x.Type.Rank == 4 && x.Type.Dims[1] == IndexExpr.One && x.Type.Dims.Where((d, axis) => axis != 1 && d != value.Type.Dims[axis]).Count() == 0:
                return Of(x) is { } gray ? gray with { Channels = [.. Enumerable.Repeat(gray.Channels[0], (int)value.Type.Dims[1].Value)] } : null;
            case { Op: SpaceToDepth { Blocksize: var size }, Inputs: [var x] } when x.Type.Dims[1].IsConstant:
                return new Selection(x, (size, size), [.. from h in Range(size) from w in Range(size) from c in Range(x.Type.Dims[1].Value) select (c, h, w)]);
            case { Op: Concat { Axis: 1 or -3 } } node:
                Selection?[] parts = [.. node.Inputs.Select(Of)];
                return parts.All(p => p is not null && p.X == parts[0]!.X && p.Steps == parts[0]!.Steps) ? parts[0]! with { Channels = [.. parts.SelectMany(p => p!.Channels)] } : null;
            default:
                return new Selection(value, (1, 1), [.. Range(value.Type.Dims[1].Value).Select(c => (c, 0L, 0L))]);
        }
    }

    /// <summary>A part of channels, and of rows and columns those of a step: what lies outside of them lies outside of the image.</summary>
    private static Selection? Sliced(Selection x, IReadOnlyList<Slice.Part> parts)
    {
        (IndexExpr n, IndexExpr h, IndexExpr w) = (x.X.Type.Dims[0], x.X.Type.Dims[2], x.X.Type.Dims[3]);
        if (parts[0] != new Slice.Part(IndexExpr.Zero, 1, n) || parts[1] is not { Start.IsConstant: true, Count.IsConstant: true } channels) return null;
        if (Stepped(parts[2], x.Steps.H, x.Channels.Max(c => c.H), h) is not var (top, down) || Stepped(parts[3], x.Steps.W, x.Channels.Max(c => c.W), w) is not var (left, across)) return null;
        return new Selection(x.X, (down, across), [.. Range(channels.Count.Value).Select(i => x.Channels[(int)(channels.Start.Value + (i * channels.Step))]).Select(c => (c.Channel, c.H + top, c.W + left))]);

        // Of what was taken in steps already only all is taken.
        static (long Start, long Step)? Stepped(Slice.Part part, long step, long start, IndexExpr dim)
        {
            if (part.Step == 1 && part.Start == IndexExpr.Zero && part.Count == IndexExpr.CeilDiv(dim - start, step)) return (0, step);
            bool isWhole = step == 1 && part.Step > 1 && part.Start is { IsConstant: true, Value: var first } && first < part.Step && part.Count == IndexExpr.CeilDiv(dim - first, part.Step);
            return isWhole ? (part.Start.Value, part.Step) : null;
        }
    }

    private static IEnumerable<long> Range(long count) => Enumerable.Range(0, checked((int)count)).Select(i => (long)i);
}
