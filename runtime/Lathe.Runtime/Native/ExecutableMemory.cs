using System.Runtime.InteropServices;

namespace Lathe.Runtime.Native;

/// <summary>
/// Machine code in memory that can be read and executed, and at no time both written and executed. Systems that let no process make code refuse it.
/// </summary>
public sealed unsafe class ExecutableMemory : SafeHandle
{
    private readonly nuint _length;

    private ExecutableMemory(nint address, nuint length)
        : base(0, ownsHandle: true)
    {
        _length = length;
        SetHandle(address);
    }

    /// <summary>Where the code starts: at the start of a page.</summary>
    public nint Address => handle;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Maps code; null if the system refuses.</summary>
    /// <param name="code">Code that runs wherever it lies.</param>
    /// <param name="imports">Where its tables of <see cref="MathFunctions"/> are.</param>
    public static ExecutableMemory? TryMap(ReadOnlySpan<byte> code, IReadOnlyList<int>? imports = null)
    {
        byte[] copy = code.ToArray();
        for (int i = 0; i < imports?.Count; i++)
            MemoryMarshal.AsBytes<nint>(MathFunctions.Addresses()).CopyTo(copy.AsSpan(imports[i]));
        nuint length = (nuint)copy.Length;
        try
        {
            nint address = OperatingSystem.IsWindows() ? Windows.Map(copy) : Unix.Map(copy);
            return address == 0 ? null : new ExecutableMemory(address, length);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => OperatingSystem.IsWindows() ? Windows.VirtualFree(handle, 0, Windows.Release) != 0 : Unix.munmap(handle, _length) == 0;

    private static class Windows
    {
        public const uint Release = 0x8000;
        private const uint CommitAndReserve = 0x3000, ReadWrite = 0x04, ExecuteRead = 0x20;

        public static nint Map(byte[] code)
        {
            nint memory = VirtualAlloc(0, (nuint)code.Length, CommitAndReserve, ReadWrite);
            if (memory == 0) return 0;
            code.CopyTo(new Span<byte>((void*)memory, code.Length));
            if (VirtualProtect(memory, (nuint)code.Length, ExecuteRead, out _) != 0 && FlushInstructionCache(-1, memory, (nuint)code.Length) != 0) return memory;
            VirtualFree(memory, 0, Release);
            return 0;
        }

        [DllImport("kernel32", ExactSpelling = true)]
        public static extern int VirtualFree(nint address, nuint size, uint type);

        [DllImport("kernel32", ExactSpelling = true)]
        private static extern nint VirtualAlloc(nint address, nuint size, uint type, uint protection);

        [DllImport("kernel32", ExactSpelling = true)]
        private static extern int VirtualProtect(nint address, nuint size, uint protection, out uint before);

        [DllImport("kernel32", ExactSpelling = true)]
        private static extern int FlushInstructionCache(nint process, nint address, nuint size);
    }

    private static class Unix
    {
        private const int Read = 1, Write = 2, Execute = 4, Private = 2;
        private const uint CloseOnExec = 1;

        /// <summary>
        /// By a file in memory, whose pages are executable from the start: systems that forbid to make written memory executable (PR_SET_MDWE, SELinux) allow it. Where
        /// there is no such file, memory that is written first and executable afterwards.
        /// </summary>
        public static nint Map(byte[] code)
        {
            fixed (byte* bytes = code)
            {
                nint memory = OperatingSystem.IsLinux() ? MapFile(bytes, (nuint)code.Length) : 0;
                return memory != 0 ? memory : MapAnonymous(code);
            }
        }

        private static nint MapFile(byte* bytes, nuint length)
        {
            int file;
            ReadOnlySpan<byte> name = "lathe\0"u8;
            try
            {
                fixed (byte* text = name) file = memfd_create(text, CloseOnExec);
            }
            catch (EntryPointNotFoundException)
            {
                return 0;
            }

            if (file < 0) return 0;
            nint memory = 0;
            nuint done = 0;
            while (done < length && write(file, bytes + done, length - done) is > 0 and var more) done += (nuint)more;
            if (done == length) memory = mmap(0, length, Read | Execute, Private, file, 0);
            close(file);
            return memory == -1 ? 0 : memory;
        }

        private static nint MapAnonymous(byte[] code)
        {
            int anonymous = OperatingSystem.IsLinux() || OperatingSystem.IsAndroid() ? 0x20 : 0x1000;
            nuint length = (nuint)code.Length;
            nint memory = mmap(0, length, Read | Write, Private | anonymous, -1, 0);
            if (memory == -1) return 0;
            code.CopyTo(new Span<byte>((void*)memory, code.Length));
            if (mprotect(memory, length, Read | Execute) == 0) return memory;
            munmap(memory, length);
            return 0;
        }

        [DllImport("libc", ExactSpelling = true)]
        public static extern int munmap(nint address, nuint length);

        [DllImport("libc", ExactSpelling = true)]
        private static extern int memfd_create(byte* name, uint flags);

        [DllImport("libc", ExactSpelling = true)]
        private static extern nint write(int file, byte* bytes, nuint count);

        [DllImport("libc", ExactSpelling = true)]
        private static extern int close(int file);

        [DllImport("libc", ExactSpelling = true)]
        private static extern nint mmap(nint address, nuint length, int protection, int flags, int file, long offset);

        [DllImport("libc", ExactSpelling = true)]
        private static extern int mprotect(nint address, nuint length, int protection);
    }
}
