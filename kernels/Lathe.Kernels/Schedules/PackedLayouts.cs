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
        .. Window(rank, 2),
        new LayoutLevel(1, 1, Panel),
        new LayoutLevel(0, 1, Panel),
    ]);

    /// <summary>Weights [O, I, window…] for a row-major activation of few channels: O/16, I, window, 16 of O.</summary>
    /// <param name="rank">The rank of the weights.</param>
    public static Layout ConvolutionWeightsOfRowMajor(int rank) =>
        new([new LayoutLevel(0, Panel), new LayoutLevel(1), .. Window(rank, 2), new LayoutLevel(0, 1, Panel)]);

    /// <summary>Depthwise weights [C, 1, window…]: C/16, window, 16 of C.</summary>
    /// <param name="rank">The rank of the weights.</param>
    public static Layout DepthwiseWeights(int rank) =>
        new([new LayoutLevel(0, Panel), new LayoutLevel(1), .. Window(rank, 2), new LayoutLevel(0, 1, Panel)]);

    /// <summary>The right operand [batch…, K, N] of a product: batch, N/16, K, 16 of N.</summary>
    /// <param name="rank">Its rank, at least 2.</param>
    public static Layout MatMulWeights(int rank) => new(
    [
        .. Enumerable.Range(0, rank - 2).Select(a => new LayoutLevel(a)),
        new LayoutLevel(rank - 1, Panel),
        new LayoutLevel(rank - 2),
        new LayoutLevel(rank - 1, 1, Panel),
    ]);

    /// <summary>A value for every channel [C], padded to whole blocks: C/16, 16 of C.</summary>
    public static Layout ChannelVector { get; } = new([new LayoutLevel(0, Panel), new LayoutLevel(0, 1, Panel)]);

    private static IEnumerable<LayoutLevel> Window(int rank, int first) => Enumerable.Range(first, rank - first).Select(a => new LayoutLevel(a));
}
