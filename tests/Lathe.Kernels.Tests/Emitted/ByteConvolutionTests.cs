using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Convolutions of bytes: every tile with every tail, bytes of all values. Sums are exact: the reference is met to the bit.</summary>
public sealed class ByteConvolutionTests : KernelCaseTests<ByteConvolutionTests>, ICaseSource
{
    /// <inheritdoc/>
    public static IReadOnlyList<KernelCase> Cases { get; } =
    [
        Case("1x1, one plane", Sample.OfBytes(8, 48, 5, 6)),
        Case("1x1, 20 channels to 20", Sample.OfBytes(5, 20, 3, 3)),
        Case("1x1, one row of few", Sample.OfBytes(64, 40, 1, 1)),
        new("1x1, quantised", Sample.OfBytes(6, 40, 3, 7, quantised: true)) { Value = r => r.Next(3) == 0 ? r.Next(int.MinValue, int.MaxValue) : (r.NextDouble() - 0.5) / 100 },
        Case("3x3, 29 columns", Sample.OfBytes(4, 16, 2, 29, 3, pad: 1)),
        Case("3x3, 7x7 rows in two dimensions", Sample.OfBytes(4, 32, 7, 7, 3, pad: 1)),
        Case("3x3, 12 channels to 40, stride 2", Sample.OfBytes(3, 40, 9, 11, 3, stride: 2, pad: 1)),
        // 255 · -128 four times a step, and as many steps as the sum of products of neighbouring bytes would saturate in.
        new("1x1, extreme bytes", Sample.OfBytes(16, 32, 3, 5)) { Value = r => r.Next(2) == 0 ? -1 : unchecked((int)0x80808080) },
    ];

    private static readonly Machine[] WithVnni = [.. Machine.All.Where(m => Kernels.Llvm.CpuLevel.Of(m.Isa, hasVnni: true) is not null)];

    /// <summary>The instruction gives what the products of halves give.</summary>
    [TestCaseSource(nameof(WithVnni))]
    public void Kernels_ForProcessorsWithVnni_ComputeTheSame(Machine machine)
    {
        if (NativeKernels.Unsupported(machine) is { } reason) Assert.Ignore(reason);
        if (!CpuFeatures.HasVnni(machine.Isa)) Assert.Ignore($"This CPU has no dot products of bytes for {machine.Isa}.");
        ScheduledKernel[] kernels = [.. Cases.Select((c, i) => KernelCompiler.Compile(c.Computation with { Name = $"kernel{i}" }, machine))];
        using NativeKernels native = new(machine, kernels, useVnni: true);
        Assert.That(native.Source, Does.Contain("vpdpbusd"));
        for (int i = 0; i < kernels.Length; i++) KernelCheck.CheckRun(kernels[i], native, Cases[i].Computation, [], Cases[i].Value);
    }

    private static KernelCase Case(string name, Loops.Computation computation) => new(name, computation) { Value = r => r.Next(int.MinValue, int.MaxValue) };
}
