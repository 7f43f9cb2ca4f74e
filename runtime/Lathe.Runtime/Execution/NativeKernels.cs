using System.Security.Cryptography;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>The native kernels of a model for one instruction set, linked or mapped; or why there are none. The memory lives as long as this is referenced.</summary>
internal sealed class NativeKernels
{
    private const string NoCode = "this system lets no process make code";

    // Referenced so that it stays mapped.
    private readonly ExecutableMemory? _memory;
    private readonly nint _address;
    private readonly Isa _isa;

    private NativeKernels(Isa isa, nint address, string? refusal, ExecutableMemory? memory = null)
    {
        _isa = isa;
        _address = address;
        _memory = memory;
        Refusal = refusal;
    }

    /// <summary>For a model that does not run on the CPU.</summary>
    public static NativeKernels None { get; } = new(Isa.Vector128, 0, null);

    /// <summary>Why there are none; null if there are.</summary>
    public string? Refusal { get; }

    /// <summary>Finds the native code of an instruction set in the program, or maps it.</summary>
    /// <exception cref="LatheException">LATHE0501: the library that has it is missing. LATHE0503: the code is not what the plan says.</exception>
    public static NativeKernels Load(CompiledModule module, Plan plan, Isa isa)
    {
        foreach (PlanNativeCode code in plan.NativeCode)
        {
            if (code.Isa != isa) continue;
            if (OperatingSystem.IsWindows()) return new(isa, 0, "there is no native code for the calling convention of Windows");
            if (module.NativeLibrary is not null && !OperatingSystem.IsLinux()) return new(isa, 0, "the library of the native kernels is one for Linux");
            // Before the processor is asked, which without it takes code that is mapped.
            LinkedCode? linked = LinkedCode.Of(module, plan);
            if (!CpuFeatures.CanRun(isa)) return new(isa, 0, CpuFeatures.IsRefused ? NoCode : $"this processor or system does not have all that native {isa.Name()} kernels need");
            if (linked?.KernelsOf(isa) is { } address and not 0) return new(isa, address, null);
            ExecutableMemory? memory = ExecutableMemory.TryMap(Read(module, code), code.Imports);
            return memory is null ? new(isa, 0, NoCode) : new(isa, memory.Address, null, memory);
        }

        return new(isa, 0, plan.NativeCode.Count == 0 ? "none could be compiled when the model was (libLLVM was missing, or has no form of them)" : $"there is no native code for {isa.Name()}");
    }

    /// <summary>The address of a kernel; 0 if it has no native form.</summary>
    public nint AddressOf(PlanVariant variant)
    {
        int entry = variant.VnniEntry >= 0 && CpuFeatures.HasVnni(_isa) ? variant.VnniEntry : variant.NativeEntry;
        return _address == 0 || entry < 0 || variant.Isa != _isa ? 0 : _address + entry;
    }

    private static byte[] Read(CompiledModule module, PlanNativeCode code)
    {
        if (module.NativeLibrary is { } library) throw new LatheException(ErrorIds.NotAKernelAssembly, $"The native kernels of the model are in {library}, which is not beside its assembly, or is of another compilation.");
        using Stream stream = module.OpenNativeCode(code.Isa.Name()) ?? throw PlanFormat.Corrupt($"the kernel assembly has no native code for {code.Isa.Name()}");
        // The length is the stream's, whatever the plan says of it.
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        if (bytes.Length != code.Bytes || !Convert.ToHexString(SHA256.HashData(bytes)).Equals(code.Hash, StringComparison.OrdinalIgnoreCase))
            throw PlanFormat.Corrupt($"the native code for {code.Isa.Name()} is not the one it says");
        return bytes;
    }
}
