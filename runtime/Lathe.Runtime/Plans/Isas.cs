using System.Runtime.Intrinsics.X86;

namespace Lathe.Runtime.Plans;

/// <summary>What is known of each <see cref="Isa"/>: its name in text and whether this process can use it.</summary>
public static class Isas
{
    /// <summary>The name used in <c>LATHE_ISA</c>, on command lines and in JSON, such as <c>avx512</c>.</summary>
    public static string Name(this Isa isa) => isa switch
    {
        Isa.Avx512 => "avx512",
        Isa.Avx2 => "avx2",
        Isa.Vector128 => "vector128",
        _ => throw new ArgumentOutOfRangeException(nameof(isa), isa, "There is no such instruction set."),
    };

    /// <summary>True for a value that stands for an instruction set.</summary>
    internal static bool IsDefined(this Isa isa) => isa is Isa.Vector128 or Isa.Avx2 or Isa.Avx512;

    /// <summary>Reads what <see cref="Name"/> writes; false if there is no instruction set of this name.</summary>
    public static bool TryParse(string name, out Isa isa)
    {
        for (isa = Isa.Avx512; isa >= Isa.Vector128; isa--)
            if (isa.Name() == name) return true;
        isa = Isa.Vector128;
        return false;
    }

    /// <summary>The instruction set that the environment variable <c>LATHE_ISA</c> names; null if it is not set.</summary>
    /// <exception cref="LatheException">LATHE0505: there is none of this name.</exception>
    public static Isa? FromEnvironment()
    {
        string? name = Environment.GetEnvironmentVariable("LATHE_ISA");
        if (string.IsNullOrEmpty(name)) return null;
        if (TryParse(name, out Isa isa)) return isa;
        throw new LatheException(ErrorIds.Isa, $"LATHE_ISA is '{name}'; there are avx512, avx2 and vector128.");
    }

    /// <summary>The best instruction set that this process can use.</summary>
    public static Isa Best() => Isa.Avx512.IsAvailable() ? Isa.Avx512 : Isa.Avx2.IsAvailable() ? Isa.Avx2 : Isa.Vector128;

    /// <summary>True if this process can run kernels written for the instruction set.</summary>
    public static bool IsAvailable(this Isa isa) => isa switch
    {
        Isa.Avx512 => Avx512F.IsSupported && Avx512BW.IsSupported && Avx512CD.IsSupported && Avx512DQ.IsSupported
            && Avx512F.VL.IsSupported && Avx512BW.VL.IsSupported && Avx512CD.VL.IsSupported && Avx512DQ.VL.IsSupported,
        Isa.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        Isa.Vector128 => true,
        _ => false,
    };
}
