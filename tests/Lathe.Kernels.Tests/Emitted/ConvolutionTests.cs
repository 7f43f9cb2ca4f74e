using System.Text.RegularExpressions;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Convolutions: every tile with every tail.</summary>
public sealed partial class ConvolutionTests : KernelCaseTests<ConvolutionTests>, ICaseSource
{
    private static readonly IndexVar N = new("N", 1, 8), H = new("H", 1, 1000), W = new("W", 1, 1000);

    /// <inheritdoc/>
    public static IReadOnlyList<KernelCase> Cases { get; } =
    [
        new("3x3, one column", Sample.Convolution(1, 16, 32, 2, 1, 3, pad: 1)),
        new("3x3, 13 columns", Sample.Convolution(1, 16, 32, 2, 13, 3, pad: 1)),
        new("3x3, 14 columns", Sample.Convolution(1, 16, 32, 2, 14, 3, pad: 1)),
        new("3x3, 15 columns", Sample.Convolution(1, 16, 32, 2, 15, 3, pad: 1)),
        new("3x3, 29 columns", Sample.Convolution(1, 16, 16, 2, 29, 3, pad: 1)),
        new("3x3, 7x7 rows in two dimensions", Sample.Convolution(1, 16, 32, 7, 7, 3, pad: 1)),
        new("3x3, 24 channels to 40, residual, halo", Sample.Convolution(2, 24, 40, 3, 5, 3, pad: 1, outPad: 1, residual: true)),
        new("3x3, 5 channels to 3", Sample.Convolution(1, 5, 3, 3, 5, 3, pad: 1)),
        new("3x3, stride 2", Sample.Convolution(1, 16, 32, 9, 11, 3, stride: 2, pad: 1)),
        new("3x3, dilation 2", Sample.Convolution(1, 16, 16, 7, 9, 3, pad: 2, dilation: 2)),
        new("1x1, one plane", Sample.Convolution(1, 32, 48, 5, 6, 1)),
        new("1x1, halo in the output", Sample.Convolution(1, 16, 32, 3, 5, 1, outPad: 2)),
        new("1x1, 20 channels to 20", Sample.Convolution(1, 20, 20, 3, 3, 1)),
        new("7x7/2 of 3 row-major channels", Sample.Convolution(1, 3, 32, 11, 13, 7, stride: 2, pad: 3, rowMajorInput: true)),
        new("3x3/2 of 3 row-major channels to 24, halo", Sample.Convolution(1, 3, 24, 9, 9, 3, stride: 2, pad: 1, rowMajorInput: true, outPad: 1)),
        new("3x3, symbolic size", Sample.Convolution(N, 16, 32, H, W, 3, pad: 1, dims: [N, H, W]), 2, 3, 17),
        new("1x1, symbolic size", Sample.Convolution(N, 16, 32, H, W, 1, dims: [N, H, W]), 1, 3, 5),
        .. ((long[])[1, 2, 7, 11, 13, 15]).Select(width => new KernelCase($"3x3, symbolic width of {width}", Sample.Convolution(N, 16, 32, H, W, 3, pad: 1, dims: [N, H, W]), 1, 2, width)),
    ];

    /// <summary>An element that a body makes a vector of twice the JIT keeps for the second use: with a tile's registers taken, on the stack.</summary>
    [TestCase(Isa.Avx512, 7, 2)]
    [TestCase(Isa.Avx512, 3, 2)]
    [TestCase(Isa.Avx512, 9, 1)]
    [TestCase(Isa.Avx2, 7, 2)]
    public void Bodies_ReadNoElementTwice(Isa isa, int window, int stride)
    {
        ScheduledKernel kernel = KernelCompiler.Compile(Sample.Convolution(1, 3, 32, 20, 60, window, stride, pad: window / 2, rowMajorInput: true), Machine.Of(isa));
        string source = new EmittedKernels(Machine.Of(isa), [kernel]).Source;
        string[] repeated = [.. source.Split('{', '}').SelectMany(body => BroadcastPattern().Matches(body).Select(m => m.Value).GroupBy(read => read).Where(g => g.Count() > 1).Select(g => g.Key))];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(BroadcastPattern().Count(source), Is.GreaterThan(50));
            Assert.That(repeated, Is.Empty);
        }
    }

    [GeneratedRegex(@"Vec\.Create\(x0\w*\[\d+\]\)")]
    private static partial Regex BroadcastPattern();
}
