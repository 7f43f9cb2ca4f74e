using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Convolutions by Winograd's algorithm: tiles with every rest, strips of rows and of columns, groups of panels of 1, 2 and 3.</summary>
public sealed class WinogradTests : KernelCaseTests<WinogradTests>, ICaseSource
{
    /// <inheritdoc/>
    public static IReadOnlyList<KernelCase> Cases { get; } =
    [
        new("F(2), one tile", Sample.Winograd(2, 1, 16, 16, 2, 2)),
        new("F(2), tails of one", Sample.Winograd(2, 2, 16, 32, 3, 5)),
        new("F(4), one tile", Sample.Winograd(4, 1, 16, 16, 4, 4)),
        new("F(4), less than a tile", Sample.Winograd(4, 1, 16, 16, 3, 1)),
        new("F(4), tails of one and three", Sample.Winograd(4, 1, 16, 32, 5, 7)),
        new("F(4), tails of two, three panels, two images", Sample.Winograd(4, 2, 16, 48, 6, 10)),
        new("F(4), two blocks of channels", Sample.Winograd(4, 1, 32, 16, 4, 9)),
        new("F(4), part of a block of channels", Sample.Winograd(4, 1, 12, 16, 5, 8)),
        new("F(4), blocks and a part, of filters too", Sample.Winograd(4, 1, 19, 24, 4, 9)),
        new("F(2), three filters", Sample.Winograd(2, 1, 24, 3, 4, 6)),
        new("F(4), row-major output of part of a block", Sample.Winograd(4, 1, 16, 20, 5, 6, "0,1,2,3")),
        new("F(2), row-major output, two panels and a part", Sample.Winograd(2, 2, 20, 37, 3, 4, "0,1,2,3")),
        // A strip has at most 28 tiles.
        new("F(4), strips of rows", Sample.Winograd(4, 1, 16, 16, 30, 22)),
        new("F(4), strips of columns", Sample.Winograd(4, 1, 16, 16, 5, 117)),
        new("F(4), halves of the filters", Sample.Winograd(4, 1, 16, 80, 3, 4)),
    ];

    /// <summary>What a second-level cache does not hold is asked for before it is transformed. Asking changes no value: models are run with it.</summary>
    [TestCase(60, false)]
    [TestCase(64, true)]
    public void Image_IsAskedForAhead_WhereItIsLarge(long height, bool isAsked)
    {
        // With its border 16 channels of 62 or 66 rows of 126 columns: 499,968 and 532,224 bytes.
        ScheduledKernel kernel = KernelCompiler.Compile(Sample.Winograd(4, 1, 16, 16, height, 124), Machine.Avx2);
        Assert.That(new EmittedKernels(Machine.Avx2, [kernel]).Source, isAsked ? Does.Contain("Prefetch0") : Does.Not.Contain("Prefetch0"));
    }
}
