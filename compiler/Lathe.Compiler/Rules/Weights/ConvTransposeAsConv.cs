using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>
/// conv_transpose(x, w, b) → conv(x, w', b') whose filters are the phases of each output element, shuffled into space. Of a transposed convolution of
/// stride s only every s-th tap meets an element of the input; which ones depends on the output's index modulo s, its phase, and each phase is a convolution
/// of stride 1 over a share of the taps (Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016).
/// </summary>
public static class ConvTransposeAsConv
{
    /// <summary>How many times as many weights there may be: phases without a tap hold zeros.</summary>
    private const double MaxGrowth = 4;

    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: ConvTranspose op, Inputs: [var x, { Constant: { } w } weights, .. var rest] }) return null;
        if (w.Element is not (ElementType.Float32 or ElementType.Float64) || w.Count == 0) return null;
        Window window = op.WindowOf(x.Type, weights.Type);
        if (window.Dilations.Any(d => d != 1) || rest is [{ IsNone: false, Constant: null }, ..]) return null;
        int rank = window.Rank;
        Phases[] axes = new Phases[rank];
        for (int i = 0; i < rank; i++)
        {
            if (Phases.Of(window, i, x.Type.Dims[i + 2]) is not { } axis) return null;
            axes[i] = axis;
        }

        long phases = axes.Aggregate(1L, (product, a) => product * a.Stride);
        if (axes.Aggregate((double)phases, (product, a) => product * a.Taps) > MaxGrowth * axes.Aggregate(1.0, (product, a) => product * a.Kernel)) return null;

        // With the phases outermost, blocks of filters stay together.
        bool isOuter = rank == 2 && op.Group == 1 && axes[0].Stride == axes[1].Stride;
        Value bias = rest is [{ Constant: { } b }, ..] ? g.Constant(Repeated(b, phases, isOuter)) : Value.None;
        Value y = g.Add(
            new Conv(Group: op.Group, Pads: (long[])[.. axes.Select(a => a.PadLow), .. axes.Select(a => a.PadHigh)]),
            x, g.Constant(Filters(w, (int)op.Group, axes, phases, isOuter)), bias);
        if (phases > 1) y = isOuter ? g.Add(new DepthToSpace(axes[0].Stride), y) : Shuffled(y, axes, node.OutputTypes[0].Dims[1], g);
        int[] cut = [.. Enumerable.Range(0, rank).Where(i => axes[i].Skipped > 0 || y.Type.Dims[i + 2] != window.Output[i])];
        if (cut.Length == 0) return y;
        return g.Add(
            new Slice(
                [.. cut.Select(i => (IndexExpr)axes[i].Skipped)], [.. cut.Select(i => axes[i].Skipped + window.Output[i])], [.. cut.Select(i => i + 2L)]),
            y);
    }

    /// <summary>[n, o·phases, q…] → [n, o, q·stride…].</summary>
    private static Value Shuffled(Value y, Phases[] axes, IndexExpr filters, Rewriting g)
    {
        int rank = axes.Length;
        IndexExpr[] places = [.. y.Type.Dims.Skip(2)];
        Value apart = g.Add(new Reshape([y.Type.Dims[0], filters, .. axes.Select(a => (IndexExpr)a.Stride), .. places]), y);
        Value together = g.Add(new Transpose([0, 1, .. Enumerable.Range(0, rank).SelectMany(i => (long[])[2 + rank + i, 2 + i])]), apart);
        return g.Add(new Reshape([y.Type.Dims[0], filters, .. axes.Select((a, i) => places[i] * a.Stride)]), together);
    }

    /// <summary>Each element as often as there are phases.</summary>
    private static TensorData Repeated(TensorData bias, long phases, bool isOuter)
    {
        TensorData repeated = TensorData.Zeros(bias.Element, bias.Count * phases);
        for (int i = 0; i < repeated.Count; i++) repeated.SetDouble(i, bias.GetDouble((int)(isOuter ? i % bias.Count : i / phases)));
        return repeated;
    }

    /// <summary>Weights [channels, filters of a group, taps…] as [filters · phases, channels of a group, taps of a phase…], or as [phases · filters, …].</summary>
    private static TensorData Filters(TensorData w, int group, Phases[] axes, long phases, bool isOuter)
    {
        long perGroup = w.Dims[1], channels = w.Dims[0] / group;
        TensorData filters = TensorData.Zeros(w.Element, [perGroup * group * phases, channels, .. axes.Select(a => a.Taps)]);
        int next = 0;
        foreach (long[] index in RowMajor.Indices(filters.Dims))
        {
            int at = next++;
            (long filter, long phase) = isOuter ? (index[0] % perGroup, index[0] / perGroup) : (index[0] / phases, index[0] % phases);
            long[] from = new long[w.Dims.Length];
            (from[0], from[1]) = ((filter / perGroup * channels) + index[1], filter % perGroup);
            bool exists = true;
            for (int i = axes.Length - 1; i >= 0; i--)
            {
                from[i + 2] = axes[i].Tap(phase % axes[i].Stride, index[i + 2]);
                phase /= axes[i].Stride;
                exists &= from[i + 2] >= 0 && from[i + 2] < axes[i].Kernel;
            }

            if (exists) filters.SetDouble(at, w.GetDouble((int)RowMajor.Offset(w.Dims, from)));
        }

        return filters;
    }

    /// <summary>
    /// The phases along an axis. Element q·stride + r of the shuffled result, which begins <paramref name="Skipped"/> elements before the output, is the sum
    /// over m of x[q + First + m] · w[Tap(r, m)].
    /// </summary>
    private sealed record Phases(long Kernel, long Stride, long Shift, long Skipped, long First, long Taps, long PadHigh)
    {
        /// <summary>How far the convolution's input is padded at its start.</summary>
        public long PadLow => -First;

        /// <summary>The phases of least taps; null if a size is not known well enough.</summary>
        public static Phases? Of(Window window, int axis, IndexExpr input)
        {
            if (!window.Kernel[axis].IsConstant || !window.PadLow[axis].IsConstant) return null;
            long kernel = window.Kernel[axis].Value, stride = window.Strides[axis], pad = window.PadLow[axis].Value;
            Phases? best = null;
            // Beyond a kernel's length another start changes nothing.
            for (long skipped = 0; skipped < Math.Min(stride, kernel + 1); skipped++)
            {
                long shift = pad - skipped;
                // Padding is not negative, so that the first tap is at or before the element.
                long first = Math.Min(0, FloorDiv(shift - kernel + stride, stride)), last = Math.Max(first, FloorDiv(stride - 1 + shift, stride));
                IndexExpr padHigh = IndexExpr.CeilDiv(window.Output[axis] + skipped, stride) + last - input;
                if (!padHigh.IsConstant) return null;
                Phases phases = new(kernel, stride, shift, skipped, first, last - first + 1, Math.Max(0, padHigh.Value));
                if (best is null || phases.Taps < best.Taps) best = phases;
            }

            return best;
        }

        /// <summary>The tap of the transposed convolution for a tap of a phase; outside the kernel if there is none.</summary>
        public long Tap(long phase, long tap) => phase + Shift - (Stride * (First + tap));

        private static long FloorDiv(long a, long b) => a >= 0 ? a / b : -((-a + b - 1) / b);
    }
}
