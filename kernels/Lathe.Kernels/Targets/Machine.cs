using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Targets;

/// <summary>What schedules and passes know of a SIMD core.</summary>
/// <param name="Isa">Its instruction set.</param>
/// <param name="VectorBytes">The size of a vector register.</param>
/// <param name="Registers">How many vector registers there are.</param>
/// <param name="NativeMasks">True if a masked load is one instruction; otherwise it goes lane by lane.</param>
public sealed record Machine(Isa Isa, int VectorBytes, int Registers, bool NativeMasks)
{
    /// <summary>AVX-512.</summary>
    public static Machine Avx512 { get; } = new(Isa.Avx512, 64, 32, true);

    /// <summary>AVX2 with FMA.</summary>
    public static Machine Avx2 { get; } = new(Isa.Avx2, 32, 16, true);

    /// <summary>The portable vectors. Registers are those of x86-64; Arm64 has twice as many.</summary>
    public static Machine Vector128 { get; } = new(Isa.Vector128, 16, 16, false);

    /// <summary>All, worst first.</summary>
    public static IReadOnlyList<Machine> All { get; } = [Vector128, Avx2, Avx512];

    /// <summary>Lanes of four bytes in a vector: the only width that kernels compute with.</summary>
    public int Lanes => VectorBytes / 4;

    /// <summary>Multiply-adds of vectors in a cycle.</summary>
    public int FmasPerCycle => 2;

    /// <summary>Vectors loaded in a cycle from the first-level cache.</summary>
    public int LoadsPerCycle => 2;

    /// <summary>Cycles from the operands of a multiply-add to its result.</summary>
    public int FmaLatency => 4;

    /// <summary>Multiply-adds of single elements in a cycle.</summary>
    public int ProductsPerCycle => Lanes * FmasPerCycle;

    /// <summary>What stays in the second-level cache beside what passes through it.</summary>
    public long CachedBytes => 768 << 10;

    /// <summary>Bytes in a cycle from the third-level cache, and from memory.</summary>
    public (double ThirdLevel, double Memory) BytesPerCycle => (20, 6);

    /// <summary>The machine of an instruction set.</summary>
    public static Machine Of(Isa isa) => All[(int)isa];
}
