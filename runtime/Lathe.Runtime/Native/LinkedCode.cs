using System.Runtime.InteropServices;
using Lathe.Runtime.Execution;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Native;

/// <summary>
/// Native code that the system has loaded as part of a program or of a library: the process maps no code itself. It begins with a table of distances from its own start, each
/// of 64 bits, 0 for what is not there.
/// </summary>
/// <param name="address">Where the table is.</param>
public sealed unsafe class LinkedCode(nint address)
{
    /// <summary>The places of the table.</summary>
    public const int Avx512 = 0, Avx2 = 1, SavedState = 2, GetMode = 3, SetMode = 4, Functions = 5, Count = 6;

    private static LinkedCode? _current;

    /// <summary>Instructions of x86-64 for the calling convention of System V. XCR0: xor ecx, ecx; xgetbv; shl rdx, 32; or rax, rdx; ret.</summary>
    public static ReadOnlySpan<byte> SavedStateCode => [0x31, 0xC9, 0x0F, 0x01, 0xD0, 0x48, 0xC1, 0xE2, 0x20, 0x48, 0x09, 0xD0, 0xC3];

    /// <summary>MXCSR: sub rsp, 8; stmxcsr [rsp]; mov eax, [rsp]; add rsp, 8; ret.</summary>
    public static ReadOnlySpan<byte> GetModeCode => [0x48, 0x83, 0xEC, 0x08, 0x0F, 0xAE, 0x1C, 0x24, 0x8B, 0x04, 0x24, 0x48, 0x83, 0xC4, 0x08, 0xC3];

    /// <summary>Sets MXCSR: push rdi; ldmxcsr [rsp]; pop rdi; ret.</summary>
    public static ReadOnlySpan<byte> SetModeCode => [0x57, 0x0F, 0xAE, 0x14, 0x24, 0x5F, 0xC3];

    /// <summary>One that was loaded with a model, whose few instructions serve all; null if there is none.</summary>
    internal static LinkedCode? Current => Volatile.Read(ref _current);

    /// <summary>Where something of the table is; 0 if it is not there.</summary>
    public nint this[int place] => ((long*)address)[place] is var distance and not 0 ? address + (nint)distance : 0;

    /// <summary>The name of the function that gives the table's address: that of one compilation alone, so that no other code is taken for it.</summary>
    public static string SymbolOf(IEnumerable<PlanNativeCode> code) => "lathe" + string.Concat(code.Select(c => $"_{c.Hash[..Math.Min(16, c.Hash.Length)]}"));

    /// <summary>Where the kernels of an instruction set are; 0 if there are none.</summary>
    public nint KernelsOf(Isa isa) => isa switch { Isa.Avx512 => this[Avx512], Isa.Avx2 => this[Avx2], _ => 0 };

    /// <summary>The code of a module; null if it has none, or what it names is neither part of the program nor a library beside the assembly or the application.</summary>
    internal static LinkedCode? Of(CompiledModule module, Plan plan)
    {
        nint found;
        try
        {
            found = module.NativeLibrary is { } library ? InLibrary(library, module, SymbolOf(plan.NativeCode)) : module.FindLinkedCode();
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return null;
        }

        if (found == 0) return null;
        LinkedCode code = new(found);
        if (code[Functions] is var table and not 0) MathFunctions.Addresses().CopyTo(new Span<nint>((void*)table, MathFunctions.Names.Count));
        Interlocked.CompareExchange(ref _current, code, null);
        return code;
    }

    /// <summary>By its path: by its name alone, .NET would give a library of that name that another model has loaded.</summary>
    private static nint InLibrary(string library, CompiledModule module, string symbol)
    {
        foreach (string? directory in (ReadOnlySpan<string?>)[KernelAssembly.DirectoryOf(module.GetType().Assembly), AppContext.BaseDirectory])
        {
            if (directory is null || !NativeLibrary.TryLoad(Path.Combine(directory, library), out nint handle)) continue;
            if (NativeLibrary.TryGetExport(handle, symbol, out nint function)) return ((delegate* unmanaged<nint>)function)();
            NativeLibrary.Free(handle);
        }

        return 0;
    }
}
