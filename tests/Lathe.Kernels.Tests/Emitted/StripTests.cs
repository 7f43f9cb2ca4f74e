namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Chains of convolutions row by row: rings of every length, rows outside on either side, parts of blocks of channels.</summary>
public sealed class StripTests : KernelCaseTests<StripTests>, ICaseSource
{
    /// <inheritdoc/>
    public static IReadOnlyList<KernelCase> Cases { get; } =
    [
        new("expand, depthwise, project", Sample.Strips(16, 32, 16, 5, 7)),
        new("expand, depthwise", Sample.Strips(16, 16, 0, 4, 15)),
        new("depthwise, project", Sample.Strips(0, 32, 16, 4, 6)),
        new("parts of blocks", Sample.Strips(12, 40, 24, 4, 9)),
        new("stride 2", Sample.Strips(16, 16, 16, 9, 10, stride: 2)),
        new("stride 2, an even number of rows", Sample.Strips(16, 16, 0, 8, 7, stride: 2)),
        new("a step beyond the window", Sample.Strips(16, 16, 16, 11, 9, k: 2, stride: 3, pad: 0)),
        new("5x5", Sample.Strips(16, 16, 16, 6, 8, k: 5, pad: 2)),
        new("5x5, stride 2, more rows outside than the step", Sample.Strips(16, 16, 0, 7, 6, k: 5, stride: 2, pad: 2)),
        new("dilated", Sample.Strips(16, 16, 16, 7, 8, dilation: 2, pad: 2)),
        new("no padding", Sample.Strips(16, 16, 16, 6, 6, pad: 0)),
        new("padding only behind, stride 2", Sample.Strips(16, 16, 16, 8, 10, stride: 2, pad: 0, after: 1)),
        new("more padding before", Sample.Strips(16, 16, 0, 6, 7, k: 5, pad: 3, after: 1)),
        new("one row", Sample.Strips(16, 16, 16, 1, 5)),
        new("a window larger than the rows", Sample.Strips(16, 16, 16, 2, 5, k: 5, pad: 2)),
    ];
}
