using System.Runtime.InteropServices;

namespace Lathe.Runtime.Execution;

/// <summary>
/// The mode in which a thread computes with denormal numbers: .NET has no way to set it, so a few instructions in memory of their own do. Denormals make
/// an operation tens of times slower, and signals that fade away are full of them.
/// </summary>
internal static unsafe class FloatingPointMode
{
    // Intel SDM, volume 1, 10.2.3: bit 15 flushes results to zero, bit 6 takes denormal operands as zeros. Arm ARM, FPCR: bit 24 does both.
    private const uint X86Flush = 0x8040, ArmFlush = 1 << 24;

    private static readonly (nint Get, nint Set) Code = Load();

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

    private static (nint Get, nint Set) Load()
    {
        (byte[] get, byte[] set) = Instructions();
        if (get.Length == 0) return default;
        const int room = 32, page = 4096;
        try
        {
            byte* memory = OperatingSystem.IsWindows() ? Windows.Allocate(page) : Unix.Allocate(page);
            if (memory is null) return default;
            Marshal.Copy(get, 0, (nint)memory, get.Length);
            Marshal.Copy(set, 0, (nint)memory + room, set.Length);
            bool executable = OperatingSystem.IsWindows() ? Windows.MakeExecutable(memory, page) : Unix.MakeExecutable(memory, page);
            return executable ? ((nint)memory, (nint)memory + room) : default;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return default;
        }
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

    private static class Windows
    {
        private const uint CommitAndReserve = 0x3000, ReadWrite = 0x04, ExecuteRead = 0x20;

        public static byte* Allocate(nuint bytes) => (byte*)VirtualAlloc(0, bytes, CommitAndReserve, ReadWrite);

        public static bool MakeExecutable(byte* memory, nuint bytes) => VirtualProtect((nint)memory, bytes, ExecuteRead, out _) != 0;

        [DllImport("kernel32", ExactSpelling = true)]
        private static extern nint VirtualAlloc(nint address, nuint size, uint type, uint protection);

        [DllImport("kernel32", ExactSpelling = true)]
        private static extern int VirtualProtect(nint address, nuint size, uint protection, out uint before);
    }

    private static class Unix
    {
        private const int Read = 1, Write = 2, Execute = 4, Private = 2;

        public static byte* Allocate(nuint bytes)
        {
            int anonymous = OperatingSystem.IsMacOS() ? 0x1000 : 0x20;
            nint memory = mmap(0, bytes, Read | Write, Private | anonymous, -1, 0);
            return memory == -1 ? null : (byte*)memory;
        }

        public static bool MakeExecutable(byte* memory, nuint bytes) => mprotect((nint)memory, bytes, Read | Execute) == 0;

        [DllImport("libc", ExactSpelling = true)]
        private static extern nint mmap(nint address, nuint length, int protection, int flags, int file, long offset);

        [DllImport("libc", ExactSpelling = true)]
        private static extern int mprotect(nint address, nuint length, int protection);
    }
}
