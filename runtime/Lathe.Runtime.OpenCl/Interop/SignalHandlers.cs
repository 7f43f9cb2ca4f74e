using System.Runtime.InteropServices;

namespace Lathe.Runtime.OpenCl.Interop;

/// <summary>
/// The process's handlers of the signals that .NET turns into exceptions. Drivers that run kernels on the CPU set their own where a division by zero is to go on: PoCL's, which skips the
/// instruction, would do so with managed code, which then corrupts memory where it had thrown. Our kernels do not divide by zero.
/// </summary>
internal static unsafe partial class SignalHandlers
{
    /// <summary>SIGILL, SIGTRAP, SIGBUS, SIGFPE and SIGSEGV of Linux.</summary>
    private static readonly int[] Signals = [4, 5, 7, 8, 11];

    /// <summary>More than a <c>struct sigaction</c> takes on any system (152 bytes with glibc).</summary>
    private const int Room = 512;

    /// <summary>Does something after which the handlers are what they were before.</summary>
    public static T Kept<T>(Func<T> action)
    {
        if (!OperatingSystem.IsLinux()) return action();
        byte* before = (byte*)NativeMemory.AllocZeroed((nuint)(Room * Signals.Length));
        bool[] known = new bool[Signals.Length];
        try
        {
            for (int i = 0; i < Signals.Length; i++) known[i] = SigAction(Signals[i], null, before + (Room * i)) == 0;
            return action();
        }
        finally
        {
            for (int i = 0; i < Signals.Length; i++)
                if (known[i]) _ = SigAction(Signals[i], before + (Room * i), null);
            NativeMemory.Free(before);
        }
    }

    [LibraryImport("libc", EntryPoint = "sigaction")]
    private static partial int SigAction(int signal, byte* action, byte* before);
}
