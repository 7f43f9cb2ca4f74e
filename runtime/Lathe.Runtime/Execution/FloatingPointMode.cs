using System.Runtime.InteropServices;
using Lathe.Runtime.Native;

namespace Lathe.Runtime.Execution;

/// <summary>
/// The mode in which a thread computes with denormal numbers: .NET has no way to set it, so a few instructions in memory of their own do. Denormals make
/// an operation tens of times slower, and signals that fade away are full of them.
/// </summary>
internal static unsafe class FloatingPointMode
{
    // Intel SDM, volume 1, 10.2.3: bit 15 flushes results to zero, bit 6 takes denormal operands as zeros. Arm ARM, FPCR: bit 24 does both.
    private const uint X86Flush = 0x8040, ArmFlush = 1 << 24;

    private const int Room = 32;

    private static Functions? _code;

    private static uint Bits => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? ArmFlush : X86Flush;

    /// <summary>True if this machine and system allow to set the mode.</summary>
    public static bool IsAvailable => Code.Set != 0;

    /// <summary>Made once, and again where code that is linked into the program has what could not be mapped before.</summary>
    private static Functions Code => _code is { } code && (code.Set != 0 || LinkedCode.Current is null) ? code : _code = Load();

    /// <summary>Flushes denormals of the calling thread from now on.</summary>
    /// <returns>The mode before, for <see cref="Restore"/>.</returns>
    public static uint Flush()
    {
        uint before = ((delegate* unmanaged[SuppressGCTransition]<uint>)Code.Get)();
        uint wanted = before | Bits;
        if (wanted != before) Restore(wanted);
        return before;
    }

    /// <summary>Computes with denormals on the calling thread from now on.</summary>
    public static void Reset()
    {
        if (IsAvailable) Restore(((delegate* unmanaged[SuppressGCTransition]<uint>)Code.Get)() & ~Bits);
    }

    /// <summary>Sets the calling thread's mode to what it was.</summary>
    public static void Restore(uint mode) => ((delegate* unmanaged[SuppressGCTransition]<uint, void>)Code.Set)(mode);

    private static Functions Load()
    {
        if (LinkedCode.Current is { } linked) return new(linked[LinkedCode.GetMode], linked[LinkedCode.SetMode], null);
        (byte[] get, byte[] set) = Instructions();
        if (get.Length == 0) return new(0, 0, null);
        byte[] code = new byte[2 * Room];
        get.CopyTo(code, 0);
        set.CopyTo(code, Room);
        return ExecutableMemory.TryMap(code) is { } memory ? new(memory.Address, memory.Address + Room, memory) : new(0, 0, null);
    }

    private static (byte[] Get, byte[] Set) Instructions() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (
            LinkedCode.GetModeCode.ToArray(),
            OperatingSystem.IsWindows()
                // push rcx; ldmxcsr [rsp]; pop rcx; ret
                ? [0x51, 0x0F, 0xAE, 0x14, 0x24, 0x59, 0xC3]
                : LinkedCode.SetModeCode.ToArray()),
        // Apple's systems let no process make code without a permission of its own. The new page has never been fetched as code elsewhere.
        Architecture.Arm64 when !OperatingSystem.IsMacOS() && !OperatingSystem.IsIOS() => (
            // mrs x0, fpcr; ret
            [0x00, 0x44, 0x3B, 0xD5, 0xC0, 0x03, 0x5F, 0xD6],
            // msr fpcr, x0; ret
            [0x00, 0x44, 0x1B, 0xD5, 0xC0, 0x03, 0x5F, 0xD6]),
        _ => ([], []),
    };

    /// <summary>Where the instructions are; and the memory that holds them, if they were mapped for it.</summary>
    private sealed record Functions(nint Get, nint Set, ExecutableMemory? Memory);
}
