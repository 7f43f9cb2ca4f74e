using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Schedules;

/// <summary>The layouts of constants that the schedules read best: panels of 16 output channels, one packing for all instruction sets.</summary>
public static class PackedLayouts
{
    /// <summary>The channels in a panel and in a block of an activation.</summary>
    public const int Panel = 16;

    /// <summary>Weights [O, I, window…] for an activation in blocks: O/16, I/16, window, 16 of I, 16 of O.</summary>
    /// <param name="rank">The rank of the weights.</param>
    public static Layout ConvolutionWeights(int rank) => new(
    [
        new LayoutLevel(0, Panel),
        new LayoutLevel(1, Panel),
        .. Window(rank),
        new LayoutLevel(1, 1, Panel),
        new LayoutLevel(0, 1, Panel),
    ]);

    /// <summary>Weights [O, I/4, window…] of four bytes each for an activation in blocks: O/16, I/16, window, 4 of I/4, 16 of O.</summary>
    /// <param name="rank">The rank of the weights.</param>
    public static Layout ConvolutionWeightsOfBytes(int rank) =>
        new([new LayoutLevel(0, Panel), new LayoutLevel(1, Panel / 4), .. Window(rank), new LayoutLevel(1, 1, Panel / 4), new LayoutLevel(0, 1, Panel)]);

    /// <summary>Weights [O, I, window…] for a row-major activation of few channels: O/16, I, window, 16 of O.</summary>
    /// <param name="rank">The rank of the weights.</param>
    public static Layout ConvolutionWeightsOfRowMajor(int rank) =>
        new([new LayoutLevel(0, Panel), new LayoutLevel(1), .. Window(rank), new LayoutLevel(0, 1, Panel)]);

    /// <summary>Depthwise weights [C, 1, window…]: C/16, window, 16 of C.</summary>
    /// <param name="rank">The rank of the weights.</param>
    public static Layout DepthwiseWeights(int rank) =>
        new([new LayoutLevel(0, Panel), new LayoutLevel(1), .. Window(rank), new LayoutLevel(0, 1, Panel)]);

    /// <summary>Weights of Winograd's algorithm, [t, t, I, O]: t, t, O/16, I, 16 of O.</summary>
    public static Layout WinogradWeights { get; } =
        new([new LayoutLevel(0), new LayoutLevel(1), new LayoutLevel(3, Panel), new LayoutLevel(2), new LayoutLevel(3, 1, Panel)]);

    /// <summary>The right operand of a product, [K, N] or transposed [N, K]: N/16, K, 16 of N.</summary>
    /// <param name="transposed">True for [N, K].</param>
    public static Layout MatMulWeights(bool transposed = false)
    {
        int n = transposed ? 0 : 1;
        return new Layout([new LayoutLevel(n, Panel), new LayoutLevel(1 - n), new LayoutLevel(n, 1, Panel)]);
    }

    /// <summary>A tensor of which one axis is padded to whole panels, so that whole vectors may be read: all axes in order, of this one the panels, and at the end the 16 of a panel.</summary>
    /// <param name="rank">Its rank.</param>
    /// <param name="axis">The axis.</param>
    public static Layout Channels(int rank, int axis) =>
        new([.. Enumerable.Range(0, rank).Select(a => a == axis ? new LayoutLevel(a, Panel) : new LayoutLevel(a)), new LayoutLevel(axis, 1, Panel)]);

    private static IEnumerable<LayoutLevel> Window(int rank) => Enumerable.Range(2, rank - 2).Select(a => new LayoutLevel(a));
}
