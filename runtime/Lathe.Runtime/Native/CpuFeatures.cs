using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Native;

/// <summary>
/// What the processor and the system can run, asked of themselves. .NET's own answers are about the code that .NET makes: NativeAOT fixes them when a
/// program is compiled, and <c>DOTNET_EnableAVX512F=0</c> is no reason not to run native code.
/// </summary>
public static unsafe class CpuFeatures
{
    // CPUID leaf 1, ecx: FMA, MOVBE, OSXSAVE, AVX, F16C. Leaf 7, ebx: BMI1, AVX2, BMI2; AVX512 F, DQ, CD, BW, VL. Leaf 0x80000001, ecx: LZCNT.
    private const int Leaf1 = (1 << 12) | (1 << 22) | (1 << 27) | (1 << 28) | (1 << 29), Leaf7 = (1 << 3) | (1 << 5) | (1 << 8), Extended = 1 << 5;
    private const int Leaf7Avx512 = unchecked((1 << 16) | (1 << 17) | (1 << 28) | (1 << 30) | (1 << 31));

    // XCR0: what the system saves: xmm and ymm; mask registers, the upper halves of zmm0-15, and zmm16-31.
    private const ulong Ymm = 0x6, Zmm = 0xE0;

    // Leaf 7, ecx: AVX512_VNNI; its second part, eax: AVX_VNNI.
    private const int Leaf7Vnni512 = 1 << 11, Leaf7Vnni = 1 << 4;

    private static Features? _found;

    /// <summary>True if the system does not even let the question be asked, which takes a few bytes of code.</summary>
    public static bool IsRefused { get; private set; }

    /// <summary>True if native kernels of an instruction set can run here.</summary>
    public static bool CanRun(Isa isa) => isa switch { Isa.Avx512 => Found.Avx512, Isa.Avx2 => Found.Avx2, _ => false };

    /// <summary>True if native kernels of an instruction set can use instructions for dot products of bytes.</summary>
    public static bool HasVnni(Isa isa) => isa switch { Isa.Avx512 => Found.Vnni512, Isa.Avx2 => Found.Vnni, _ => false };

    /// <summary>Asked once, and again where code that is linked into the program can ask what was refused before.</summary>
    private static Features Found
    {
        get
        {
            if (_found is { } found && !(IsRefused && LinkedCode.Current is not null)) return found;
            IsRefused = false;
            return _found = Find();
        }
    }

    private static Features Find()
    {
        if (!X86Base.IsSupported || RuntimeInformation.ProcessArchitecture != Architecture.X64) return new(false, false, false, false);
        int leaves = X86Base.CpuId(0, 0).Eax;
        if (leaves < 7 || unchecked((uint)X86Base.CpuId(unchecked((int)0x80000000), 0).Eax) < 0x80000001) return new(false, false, false, false);
        int seven = X86Base.CpuId(7, 0).Ebx;
        bool has = (X86Base.CpuId(1, 0).Ecx & Leaf1) == Leaf1 && (seven & Leaf7) == Leaf7 && (X86Base.CpuId(unchecked((int)0x80000001), 0).Ecx & Extended) != 0;
        // Only where the processor says that the instruction exists.
        ulong saved = has ? SavedState() : 0;
        bool avx2 = has && (saved & Ymm) == Ymm, avx512 = avx2 && (seven & Leaf7Avx512) == Leaf7Avx512 && (saved & Zmm) == Zmm;
        return new(
            avx2,
            avx512,
            avx2 && X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax & Leaf7Vnni) != 0,
            avx512 && (X86Base.CpuId(7, 0).Ecx & Leaf7Vnni512) != 0);
    }

    /// <summary>XCR0. .NET has no intrinsic for it; where code cannot be mapped to read it, no native kernel could be mapped either.</summary>
    private static ulong SavedState()
    {
        if (LinkedCode.Current is { } linked) return ((delegate* unmanaged<ulong>)linked[LinkedCode.SavedState])();
        using ExecutableMemory? code = ExecutableMemory.TryMap(LinkedCode.SavedStateCode);
        IsRefused = code is null;
        return code is null ? 0 : ((delegate* unmanaged<ulong>)code.Address)();
    }

    /// <summary>What there is. A reference, so that it is read whole.</summary>
    private sealed record Features(bool Avx2, bool Avx512, bool Vnni, bool Vnni512);
}
