using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Llvm;

/// <summary>What code generation knows of a CPU.</summary>
/// <param name="Isa">The instruction set whose kernels it compiles.</param>
/// <param name="Cpu">LLVM's name of the CPU, for tuning and for what all of that kind have.</param>
/// <param name="Features">LLVM's names of what is there beside it.</param>
/// <param name="HasVnni">True if there are instructions for dot products of bytes.</param>
public sealed record CpuLevel(Isa Isa, string Cpu, string Features, bool HasVnni = false)
{
    /// <summary>All, worst first. What each needs of a processor is what <c>CpuFeatures</c> of the runtime asks for.</summary>
    public static IReadOnlyList<CpuLevel> All { get; } =
    [
        new(Isa.Avx2, "x86-64-v3", ""),
        new(Isa.Avx2, "x86-64-v3", "+avxvnni", HasVnni: true),
        // The kernels' vectors are as long as they should be; the tuning would have shorter ones.
        new(Isa.Avx512, "x86-64-v4", "-prefer-256-bit"),
        new(Isa.Avx512, "x86-64-v4", "-prefer-256-bit,+avx512vnni", HasVnni: true),
    ];

    /// <summary>The level of an instruction set; null if it has no native kernels.</summary>
    /// <param name="isa">The instruction set.</param>
    /// <param name="hasVnni">Whether there are instructions for dot products of bytes.</param>
    public static CpuLevel? Of(Isa isa, bool hasVnni = false) => All.FirstOrDefault(l => l.Isa == isa && l.HasVnni == hasVnni);
}
