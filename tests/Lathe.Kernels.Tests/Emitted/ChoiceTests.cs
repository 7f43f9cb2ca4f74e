using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Loops.Verification;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Variant tables: whatever is chosen out of one computes the same.</summary>
[Parallelizable(ParallelScope.Children)]
public sealed class ChoiceTests
{
    private const int Seeds = 3;

    private static readonly (string Name, Func<Random, Computation> Make)[] Kinds =
    [
        ("3x3", r => Sample.Convolution(1, r.Next(1, 40), r.Next(1, 70), r.Next(1, 6), r.Next(1, 33), 3, stride: r.Next(1, 3), pad: 1, residual: r.Next(2) == 0)),
        ("1x1", r => Sample.Convolution(r.Next(1, 3), r.Next(1, 40), r.Next(1, 100), r.Next(1, 6), r.Next(1, 33), 1)),
        ("3x3 of row-major channels", r => Sample.Convolution(1, r.Next(1, 5), r.Next(1, 40), r.Next(3, 9), r.Next(3, 30), 3, stride: 2, pad: 1, rowMajorInput: true)),
        ("depthwise", r => Sample.Depthwise(1, r.Next(1, 50), r.Next(3, 9), r.Next(3, 40), 3, stride: r.Next(1, 3), pad: 1)),
        ("product of panels", r => Sample.MatMul([], r.Next(1, 40), r.Next(1, 50), r.Next(1, 100), PackedLayouts.MatMulWeights())),
        // A transposed right side is read along the reduction, where there is nothing to choose.
        ("product of rows", r => Sample.MatMul([r.Next(1, 3)], r.Next(1, 40), r.Next(1, 50), r.Next(1, 100))),
        ("F(4x4)", r => Sample.Winograd(4, 1, r.Next(1, 40), r.Next(1, 80), r.Next(1, 20), r.Next(1, 60))),
        ("F(2x2)", r => Sample.Winograd(2, 1, r.Next(1, 40), r.Next(1, 80), r.Next(1, 9), r.Next(1, 40))),
    ];

    private static IEnumerable<TestCaseData> All() =>
        from machine in Machine.All
        from kind in Kinds
        from seed in Enumerable.Range(1, Seeds)
        select new TestCaseData(machine.Isa, kind.Name, seed).SetArgDisplayNames(machine.Isa.ToString(), kind.Name, seed.ToString());

    [TestCaseSource(nameof(All))]
    public void Candidates_ComputeTheReference(Isa isa, string kind, int seed)
    {
        Machine machine = Machine.Of(isa);
        if (EmittedKernels.Unsupported(machine) is { } reason) Assert.Ignore(reason);
        Computation computation = Kinds.Single(k => k.Name == kind).Make(new Random(seed));
        Memory[] given = KernelCheck.Buffers(computation, [], seed), reference = [.. given.Select(b => b.Copy())];
        ComputationInterpreter.Run(computation, reference, []);
        Choice[] candidates = [.. KernelCompiler.Candidates(computation, machine)];
        Assert.That(candidates, Is.Not.Empty);
        ScheduledKernel[] kernels = [.. candidates.Select((c, i) => KernelCompiler.Compile(computation with { Name = $"kernel{i}" }, machine, c))];
        EmittedKernels emitted = new(machine, kernels);
        for (int i = 0; i < kernels.Length; i++)
        {
            Assert.That(Verifier.VerifyFinal(kernels[i].Kernel, machine.VectorBytes), Is.Empty, candidates[i].Text);
            Memory[] interpreted = [.. given.Select(b => b.Copy())];
            Interpreter.Run(kernels[i].Kernel, interpreted, []);
            KernelCheck.AreClose(interpreted, reference, computation, [], 2e-5, candidates[i].Text);
            long extent = kernels[i].Extent.Value;
            Memory[] actual = [.. given.Select(b => b.Copy())];
            // Slices in an order of their own: none needs another.
            Assert.That(emitted.Run(kernels[i], actual, [], extent < 2 ? [(0, extent)] : [(extent / 2, extent), (0, extent / 2)]), Is.Zero);
            KernelCheck.AreClose(actual, reference, computation, [], 2e-5, candidates[i].Text);
        }
    }

    [Test]
    public void Table_OffersOtherTilesBodiesAndOrders_TheModelsChoiceFirst()
    {
        Computation computation = Sample.Convolution(1, 64, 64, 28, 28, 1);
        string[] texts = [.. KernelCompiler.Candidates(computation, Machine.Avx512).Select(c => c.Text)];
        Assert.That(texts, Is.Unique);
        Assert.That(texts[0], Is.EqualTo("14x2,256,panels"));
        Assert.That(texts, Does.Contain("28x1,256,panels").And.Contain("14x2,128,panels").And.Contain("14x2,256,rows"));
        Assert.That(KernelCompiler.Compile(computation, Machine.Avx512).Kernel, Is.EqualTo(KernelCompiler.Compile(computation, Machine.Avx512, KernelCompiler.Candidates(computation, Machine.Avx512)[0]).Kernel));
    }

    [Test]
    public void Table_OfWhatHasNoChoice_IsEmpty() =>
        Assert.That(KernelCompiler.Candidates(MapTests.Cases[0].Computation, Machine.Avx2), Is.Empty);

    [Test]
    public void Signature_SpeaksOfTheComputation_NotOfItsName()
    {
        Computation one = Sample.Convolution(1, 16, 32, 5, 6, 3, pad: 1);
        string signature = Signature.Of(one);
        Assert.That(signature, Does.Match("^Convolution:1x32x5x6:[0-9a-f]{16}$"));
        Assert.That(Signature.Of(one with { Name = "other" }), Is.EqualTo(signature));
        Assert.That(Signature.Of(Sample.Convolution(1, 16, 32, 5, 6, 3, pad: 1, residual: true)), Is.Not.EqualTo(signature), "another epilogue");
        Assert.That(Signature.Of(Sample.Convolution(1, 16, 32, 5, 6, 3, pad: 1, outPad: 1)), Is.Not.EqualTo(signature), "another layout");
        Assert.That(Signature.Of(Sample.Convolution(1, 32, 32, 5, 6, 3, pad: 1)), Is.Not.EqualTo(signature), "another reduction");
    }
}
