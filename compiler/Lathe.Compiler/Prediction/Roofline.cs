using System.Globalization;
using Lathe.Kernels.Targets;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Prediction;

/// <summary>
/// How long a compiled model takes on one core: each step the longer of its products at a share of the peak and of its bytes at the speed of the memory that the model fits into (Williams et al.,
/// Roofline, 2009). Good for which of two precisions is faster where they differ by more than a tenth, not for a time.
/// </summary>
public static class Roofline
{
    /// <summary>The share of the peak that convolutions and products reach; of depthwise ones, whose every input is multiplied few times; and of those of bytes, whose sums are rounded behind fewer cycles.</summary>
    private const double Dense = 0.75, Sparse = 0.3, Bytes = 0.55;

    /// <summary>Fewer products for an output are those of a depthwise convolution: a window of 3x3 has 9.</summary>
    private const long FewProducts = 12;

    /// <summary>Cycles for a vector of weights that are read once: as they are, and with what widens bfloat16 and float16 (16-bit weights in <c>docs/decisions/0016</c>).</summary>
    private const double CyclesOfFloats = 0.5, CyclesOfBf16 = 1.0, CyclesOfFp16 = 1.7;

    /// <summary>Bytes in a cycle from the second-level cache.</summary>
    private const double NearBytesPerCycle = 48;

    /// <summary>What starting a step takes, in microseconds.</summary>
    private const double StepMicroseconds = 0.5;

    /// <summary>Predicts.</summary>
    /// <param name="report">The compiled model.</param>
    /// <param name="cpu">The processor.</param>
    /// <returns>Milliseconds for an inference on one core.</returns>
    public static double Milliseconds(CompileReport report, CpuProfile cpu)
    {
        Machine machine = Machine.Of(cpu.Isa);
        double hertz = cpu.Gflops * 1e9 / (2 * machine.ProductsPerCycle);
        long touched = report.ArenaBytes + report.WeightBytes + report.PreparedBytes;
        double bytesPerSecond = touched <= machine.CachedBytes ? NearBytesPerCycle * hertz : touched <= cpu.CacheBytes ? machine.BytesPerCycle.ThirdLevel * hertz : cpu.MemoryGbs * 1e9;
        return report.Groups.Sum(group => Seconds(group, machine, cpu, hertz, bytesPerSecond) + (StepMicroseconds * 1e-6)) * 1e3;
    }

    private static double Seconds(CompileGroup group, Machine machine, CpuProfile cpu, double hertz, double bytesPerSecond)
    {
        double seconds = group.Bytes / bytesPerSecond;
        if (group.Macs == 0) return seconds;
        double perSecond = machine.ProductsPerCycle * hertz, vectors = (double)group.Macs / machine.Lanes;
        // The bytes of a product of one row are its weights, which are read as they are stored.
        if (group.Op.Contains("MatMulOfHalves", StringComparison.Ordinal))
            return Math.Max(seconds, vectors * (group.Precision == PrecisionNames.Fp16 ? CyclesOfFp16 : CyclesOfBf16) / hertz);
        // Depthwise, bytes are multiplied as floats.
        if (group.Op.Contains("DepthwiseConvOfBytes", StringComparison.Ordinal) || group.Macs <= FewProducts * Elements(group.Shape)) return Math.Max(seconds, group.Macs / (perSecond * Sparse));
        // Where there are none for bytes, products of 16 bits stand in: two for each lane, and an instruction more to add them.
        if (group.Op.Contains("OfBytes", StringComparison.Ordinal)) return Math.Max(seconds, group.Macs / (perSecond * Bytes * (cpu.HasDotProducts ? 4 : 1)));
        return Math.Max(seconds, Math.Max(group.Macs / (perSecond * Dense), vectors * CyclesOfFloats / hertz));
    }

    private static double Elements(string shape) =>
        shape.Split('x').Aggregate(1.0, (product, dim) => product * (long.TryParse(dim, NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size : 1));
}
