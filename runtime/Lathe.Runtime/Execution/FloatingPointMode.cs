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

    private static readonly ExecutableMemory? Memory = Load();

    private static readonly (nint Get, nint Set) Code = Memory is null ? default : (Memory.Address, Memory.Address + Room);

    private static uint Bits => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? ArmFlush : X86Flush;

    /// <summary>True if this machine and system allow to set the mode.</summary>
    public static bool IsAvailable => Code.Set != 0;

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

    private static ExecutableMemory? Load()
    {
        (byte[] get, byte[] set) = Instructions();
        if (get.Length == 0) return null;
        byte[] code = new byte[2 * Room];
        get.CopyTo(code, 0);
        set.CopyTo(code, Room);
        return ExecutableMemory.TryMap(code);
    }

    private static (byte[] Get, byte[] Set) Instructions() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (
            // sub rsp, 8; stmxcsr [rsp]; mov eax, [rsp]; add rsp, 8; ret
            [0x48, 0x83, 0xEC, 0x08, 0x0F, 0xAE, 0x1C, 0x24, 0x8B, 0x04, 0x24, 0x48, 0x83, 0xC4, 0x08, 0xC3],
            OperatingSystem.IsWindows()
                // push rcx; ldmxcsr [rsp]; pop rcx; ret
                ? [0x51, 0x0F, 0xAE, 0x14, 0x24, 0x59, 0xC3]
                // push rdi; ldmxcsr [rsp]; pop rdi; ret
                : [0x57, 0x0F, 0xAE, 0x14, 0x24, 0x5F, 0xC3]),
        // Apple's systems let no process make code without a permission of its own. The new page has never been fetched as code elsewhere.
        Architecture.Arm64 when !OperatingSystem.IsMacOS() && !OperatingSystem.IsIOS() => (
            // mrs x0, fpcr; ret
            [0x00, 0x44, 0x3B, 0xD5, 0xC0, 0x03, 0x5F, 0xD6],
            // msr fpcr, x0; ret
            [0x00, 0x44, 0x1B, 0xD5, 0xC0, 0x03, 0x5F, 0xD6]),
        _ => ([], []),
    };
}
