using Lathe.Kernels.Targets;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Prediction;

/// <summary>What predictions know of a processor: one core of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Isa">The instruction set that is run.</param>
/// <param name="Gflops">Multiply-adds of float32 at their peak, in GFLOP/s.</param>
/// <param name="MemoryGbs">Reading memory, in GB/s.</param>
/// <param name="CacheBytes">The last cache before memory.</param>
/// <param name="HasDotProducts">True if there are instructions for dot products of bytes (VNNI).</param>
public sealed record CpuProfile(string Name, Isa Isa, double Gflops, double MemoryGbs, long CacheBytes, bool HasDotProducts)
{
    /// <summary>The clock of a processor of which nothing is measured, in GHz.</summary>
    private const double NominalGhz = 3;

    /// <summary>The last cache of a processor that does not tell.</summary>
    public const long NominalCache = 32 << 20;

    /// <summary>What the compiler assumes of an instruction set where nothing is measured. Nearly all processors with AVX-512 have dot products of bytes, and few with AVX2 alone.</summary>
    public static CpuProfile Of(Isa isa)
    {
        Machine machine = Machine.Of(isa);
        return new($"a core with {isa.Name()} at {NominalGhz} GHz", isa, 2 * machine.ProductsPerCycle * NominalGhz, machine.BytesPerCycle.Memory * NominalGhz, NominalCache, isa == Isa.Avx512);
    }
}
