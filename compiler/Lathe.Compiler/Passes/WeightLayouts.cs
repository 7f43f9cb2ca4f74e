using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Passes;

/// <summary>How constants are packed: in panels of 16 output channels, one packing for every instruction set.</summary>
public static class WeightLayouts
{
    private const long Block = AssignLayouts.Block;

    /// <summary>
    /// Weights [O, I, window…] of a convolution as [O/16][I/16][window…][16 i][16 o], or without blocks of input channels where the input is not
    /// blocked: [O/16][I][window…][16 o]. Those of a depthwise convolution, [C, 1, window…], as [C/16][window…][16 c].
    /// </summary>
    public static Layout Convolution(int rank, bool depthwise, bool blockedInput)
    {
        List<LayoutLevel> levels = [new LayoutLevel(0, Block)];
        if (!depthwise) levels.Add(blockedInput ? new LayoutLevel(1, Block) : new LayoutLevel(1));
        for (int axis = 2; axis < rank; axis++) levels.Add(new LayoutLevel(axis));
        if (depthwise) levels.Add(new LayoutLevel(1));
        else if (blockedInput) levels.Add(new LayoutLevel(1, 1, Block));
        levels.Add(new LayoutLevel(0, 1, Block));
        return new Layout([.. levels]);
    }

    /// <summary>The right factor of a matrix product, [K, N] or transposed [N, K], as [N/16][K][16 n].</summary>
    public static Layout Matrix(bool transposed)
    {
        int n = transposed ? 0 : 1;
        return new Layout([new LayoutLevel(n, Block), new LayoutLevel(1 - n), new LayoutLevel(n, 1, Block)]);
    }

    /// <summary>A tensor whose one axis is split into blocks of which the last is filled up.</summary>
    public static Layout Channels(int rank, int axis) =>
        new([.. Enumerable.Range(0, rank).Select(a => a == axis ? new LayoutLevel(a, Block) : new LayoutLevel(a)), new LayoutLevel(axis, 1, Block)]);
}
