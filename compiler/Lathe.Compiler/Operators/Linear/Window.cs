using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>How windows of a convolution or pool lie over its spatial axes, with paddings and defaults resolved.</summary>
/// <param name="Kernel">The window's size.</param>
/// <param name="Strides">The distance between windows.</param>
/// <param name="Dilations">The distance between a window's elements.</param>
/// <param name="PadLow">How far the first window starts before the input. An expression, since automatic padding depends on the shape.</param>
/// <param name="PadHigh">How far the input is padded at its end.</param>
/// <param name="Output">The number of windows.</param>
public sealed record Window(
    EquatableArray<IndexExpr> Kernel,
    EquatableArray<long> Strides,
    EquatableArray<long> Dilations,
    EquatableArray<IndexExpr> PadLow,
    EquatableArray<IndexExpr> PadHigh,
    EquatableArray<IndexExpr> Output)
{
    /// <summary>The greatest stride, dilation or padding that is taken: products with dims stay far from 64 bits.</summary>
    private const long MaxStep = 1 << 30;

    /// <summary>The number of spatial axes.</summary>
    public int Rank => Kernel.Length;

    /// <summary>Fails unless the attributes fit a number of spatial axes.</summary>
    public static void Check(
        InferContext context, int rank, string autoPad, EquatableArray<long> strides, EquatableArray<long> dilations, EquatableArray<long> pads)
    {
        context.Require(rank >= 1, "there is no spatial axis");
        context.Require(autoPad is "NOTSET" or "VALID" or "SAME_UPPER" or "SAME_LOWER", $"auto_pad '{autoPad}' is unknown");
        Positive(strides, "strides");
        Positive(dilations, "dilations");
        context.Require(pads.Length == 0 || pads.Length == 2 * rank, $"pads has {pads.Length} values for {rank} spatial axes");
        context.Require(pads.All(p => p is >= -MaxStep and <= MaxStep), "a padding is too large");

        void Positive(EquatableArray<long> values, string what)
        {
            context.Require(values.Length == 0 || values.Length == rank, $"{what} has {values.Length} values for {rank} spatial axes");
            context.Require(values.All(v => v is > 0 and <= MaxStep), $"{what} are not positive");
        }
    }

    /// <summary>Resolves attributes that passed <see cref="Check"/>.</summary>
    /// <param name="spatial">The input's spatial dims.</param>
    /// <param name="kernel">The window's size.</param>
    /// <param name="autoPad">ONNX's auto_pad.</param>
    /// <param name="strides">Strides, or none for 1.</param>
    /// <param name="dilations">Dilations, or none for 1.</param>
    /// <param name="pads">All starts, then all ends, or none for 0.</param>
    /// <param name="ceil">Whether a last window may reach beyond the padded input.</param>
    public static Window Resolve(
        IReadOnlyList<IndexExpr> spatial,
        IReadOnlyList<IndexExpr> kernel,
        string autoPad,
        EquatableArray<long> strides,
        EquatableArray<long> dilations,
        EquatableArray<long> pads,
        bool ceil = false)
    {
        int rank = spatial.Count;
        IndexExpr[] low = new IndexExpr[rank], high = new IndexExpr[rank], output = new IndexExpr[rank];
        long[] stride = [.. strides.Length == 0 ? Enumerable.Repeat(1L, rank) : strides];
        long[] dilation = [.. dilations.Length == 0 ? Enumerable.Repeat(1L, rank) : dilations];
        for (int axis = 0; axis < rank; axis++)
        {
            IndexExpr input = spatial[axis], reach = ((kernel[axis] - 1) * dilation[axis]) + 1;
            if (autoPad is "SAME_UPPER" or "SAME_LOWER")
            {
                output[axis] = IndexExpr.CeilDiv(input, stride[axis]);
                IndexExpr total = IndexExpr.Max(IndexExpr.Zero, ((output[axis] - 1) * stride[axis]) + reach - input);
                low[axis] = autoPad == "SAME_UPPER" ? total / 2 : total - (total / 2);
                high[axis] = total - low[axis];
                continue;
            }

            bool explicitPads = autoPad == "NOTSET" && pads.Length > 0;
            low[axis] = explicitPads ? pads[axis] : 0;
            high[axis] = explicitPads ? pads[axis + rank] : 0;
            IndexExpr room = input + low[axis] + high[axis] - reach;
            output[axis] = ceil ? CeilWindows(room, input + low[axis], stride[axis]) : (room / stride[axis]) + 1;
        }

        return new Window([.. kernel], stride, dilation, low, high, output);
    }

    /// <summary>The input index that element <paramref name="k"/> of window <paramref name="o"/> reads.</summary>
    public IndexExpr Position(int axis, IndexExpr o, IndexExpr k) => (o * Strides[axis]) + (k * Dilations[axis]) - PadLow[axis];

    /// <summary>Fails where a window is larger than the padded input.</summary>
    public void RequireFits(InferContext context)
    {
        for (int axis = 0; axis < Rank; axis++)
            context.Require(Output[axis].Range.Max > 0, $"the window of {Kernel[axis]} does not fit spatial axis {axis}");
    }

    /// <summary>Windows, of which the last may reach beyond the end, but not start in the padding there.</summary>
    private static IndexExpr CeilWindows(IndexExpr room, IndexExpr end, long stride)
    {
        IndexExpr count = IndexExpr.CeilDiv(room, stride) + 1;
        return IndexExpr.IfLess((count - 1) * stride, end, count, count - 1);
    }
}
