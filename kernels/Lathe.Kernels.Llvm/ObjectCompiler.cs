using System.Runtime.InteropServices;
using System.Text;
using Lathe.Kernels.Llvm.Interop;

namespace Lathe.Kernels.Llvm;

/// <summary>LLVM's IR as text → an object file, by libLLVM. The same text, level and version of libLLVM give the same bytes.</summary>
public static unsafe class ObjectCompiler
{
    private const string Triple = "x86_64-unknown-linux-gnu";

    private static readonly Lazy<bool> Initialised = new(Initialise);

    /// <summary>The version of the libLLVM that is used, such as <c>19.1.7</c>; null if none is installed.</summary>
    public static string? Version => LibLLVM.Version;

    /// <summary>The files on which <see cref="Version"/> depends.</summary>
    public static IReadOnlyList<string> Files => LibLLVM.Files;

    /// <summary>Compiles a module.</summary>
    /// <returns>A relocatable object file of ELF.</returns>
    /// <exception cref="InvalidOperationException">No libLLVM is installed, or the text is wrong, which is a mistake of the printer.</exception>
    public static byte[] Compile(string text, CpuLevel level)
    {
        if (Version is null) throw new InvalidOperationException("No libLLVM is installed.");
        _ = Initialised.Value;
        // A context belongs to one thread at a time.
        nint context = LLVM.ContextCreate(), module = 0, machine = 0;
        try
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            byte* message;
            fixed (byte* data = bytes)
            {
                nint buffer = LLVM.CreateMemoryBufferWithMemoryRangeCopy(data, (nuint)bytes.Length, "kernels");
                if (LLVM.ParseIRInContext(context, buffer, out module, out message) != 0)
                {
                    module = 0;
                    throw Wrong(message);
                }
            }

            if (LLVM.VerifyModule(module, LLVM.ReturnStatusAction, out message) != 0) throw Wrong(message);
            LLVM.DisposeMessage(message);
            if (LLVM.GetTargetFromTriple(Triple, out nint target, out message) != 0) throw Wrong(message);
            machine = LLVM.CreateTargetMachine(target, Triple, level.Cpu, level.Features, LLVM.CodeGenLevelDefault, LLVM.RelocPIC, LLVM.CodeModelSmall);
            RunPasses(module, machine, "mem2reg");
            if (LLVM.TargetMachineEmitToMemoryBuffer(machine, module, LLVM.ObjectFile, out message, out nint made) != 0) throw Wrong(message);
            byte[] result = new ReadOnlySpan<byte>(LLVM.GetBufferStart(made), checked((int)LLVM.GetBufferSize(made))).ToArray();
            LLVM.DisposeMemoryBuffer(made);
            return result;
        }
        finally
        {
            if (machine != 0) LLVM.DisposeTargetMachine(machine);
            if (module != 0) LLVM.DisposeModule(module);
            LLVM.ContextDispose(context);
        }
    }

    private static void RunPasses(nint module, nint machine, string passes)
    {
        nint options = LLVM.CreatePassBuilderOptions(), error = LLVM.RunPasses(module, passes, machine, options);
        LLVM.DisposePassBuilderOptions(options);
        if (error == 0) return;
        byte* message = LLVM.GetErrorMessage(error);
        string text = Marshal.PtrToStringUTF8((nint)message)!;
        LLVM.DisposeErrorMessage(message);
        throw new InvalidOperationException($"libLLVM: {text}");
    }

    private static InvalidOperationException Wrong(byte* message)
    {
        string text = Marshal.PtrToStringUTF8((nint)message) ?? "";
        LLVM.DisposeMessage(message);
        return new InvalidOperationException($"libLLVM: {text}");
    }

    private static bool Initialise()
    {
        LLVM.InitializeX86TargetInfo();
        LLVM.InitializeX86Target();
        LLVM.InitializeX86TargetMC();
        LLVM.InitializeX86AsmPrinter();
        // The order of a schedule stays, and so do its addresses, which are a pointer and a constant: the pass would make a register of each, far more than there are.
        string[] options = ["lathe", "-disable-lsr", "-enable-misched=false"];
        LLVM.ParseCommandLineOptions(options.Length, options, null);
        return true;
    }
}
