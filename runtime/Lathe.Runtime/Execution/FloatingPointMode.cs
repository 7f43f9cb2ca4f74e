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

    private static uint Bits => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? ArmFlush : X86Flush;

    /// <summary>True if this machine and system allow to set the mode.</summary>
    public static bool IsAvailable => SetMode != 0;

    /// <summary>Where the instructions are, linked into the program or else mapped; 0 if there are none.</summary>
    private static nint GetMode => LinkedCode.Current is { } linked ? linked[LinkedCode.GetMode] : Mapped.Get;

    private static nint SetMode => LinkedCode.Current is { } linked ? linked[LinkedCode.SetMode] : Mapped.Set;

    /// <summary>Flushes denormals of the calling thread from now on.</summary>
    /// <returns>The mode before, for <see cref="Restore"/>.</returns>
    public static uint Flush()
    {
        uint before = ((delegate* unmanaged[SuppressGCTransition]<uint>)GetMode)();
        uint wanted = before | Bits;
        if (wanted != before) Restore(wanted);
        return before;
    }

    /// <summary>Computes with denormals on the calling thread from now on.</summary>
    public static void Reset()
    {
        if (IsAvailable) Restore(((delegate* unmanaged[SuppressGCTransition]<uint>)GetMode)() & ~Bits);
    }

    /// <summary>Sets the calling thread's mode to what it was.</summary>
    public static void Restore(uint mode) => ((delegate* unmanaged[SuppressGCTransition]<uint, void>)SetMode)(mode);

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

    /// <summary>Made when first asked for, and kept: a thread may be in it at any time.</summary>
    private static class Mapped
    {
        private static readonly ExecutableMemory? Memory = Load();

        public static nint Get => Memory?.Address ?? 0;

        public static nint Set => Memory is null ? 0 : Memory.Address + Room;

        private static ExecutableMemory? Load()
        {
            (byte[] get, byte[] set) = Instructions();
            if (get.Length == 0) return null;
            byte[] code = new byte[2 * Room];
            get.CopyTo(code, 0);
            set.CopyTo(code, Room);
            return ExecutableMemory.TryMap(code);
        }
    }
}
