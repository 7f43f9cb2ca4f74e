using System.Runtime.InteropServices;

namespace Lathe.Kernels.Llvm.Interop;

/// <summary>The functions of libLLVM's C API that turn text into an object file, with the names that they have there.</summary>
internal static unsafe partial class LLVM
{
    /// <summary>LLVMCodeGenLevelDefault.</summary>
    public const int CodeGenLevelDefault = 2;

    /// <summary>LLVMRelocPIC.</summary>
    public const int RelocPIC = 2;

    /// <summary>LLVMCodeModelSmall.</summary>
    public const int CodeModelSmall = 3;

    /// <summary>LLVMObjectFile.</summary>
    public const int ObjectFile = 1;

    /// <summary>LLVMReturnStatusAction.</summary>
    public const int ReturnStatusAction = 2;

    private const string Library = LibLLVM.Name;

    [LibraryImport(Library, EntryPoint = "LLVMInitializeX86TargetInfo")]
    public static partial void InitializeX86TargetInfo();

    [LibraryImport(Library, EntryPoint = "LLVMInitializeX86Target")]
    public static partial void InitializeX86Target();

    [LibraryImport(Library, EntryPoint = "LLVMInitializeX86TargetMC")]
    public static partial void InitializeX86TargetMC();

    [LibraryImport(Library, EntryPoint = "LLVMInitializeX86AsmPrinter")]
    public static partial void InitializeX86AsmPrinter();

    /// <summary>Sets options of the whole process.</summary>
    [LibraryImport(Library, EntryPoint = "LLVMParseCommandLineOptions", StringMarshalling = StringMarshalling.Utf8)]
    public static partial void ParseCommandLineOptions(int count, string[] arguments, string? overview);

    [LibraryImport(Library, EntryPoint = "LLVMContextCreate")]
    public static partial nint ContextCreate();

    [LibraryImport(Library, EntryPoint = "LLVMContextDispose")]
    public static partial void ContextDispose(nint context);

    [LibraryImport(Library, EntryPoint = "LLVMCreateMemoryBufferWithMemoryRangeCopy", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint CreateMemoryBufferWithMemoryRangeCopy(byte* data, nuint length, string name);

    [LibraryImport(Library, EntryPoint = "LLVMDisposeMemoryBuffer")]
    public static partial void DisposeMemoryBuffer(nint buffer);

    [LibraryImport(Library, EntryPoint = "LLVMGetBufferStart")]
    public static partial byte* GetBufferStart(nint buffer);

    [LibraryImport(Library, EntryPoint = "LLVMGetBufferSize")]
    public static partial nuint GetBufferSize(nint buffer);

    /// <summary>Takes the buffer.</summary>
    [LibraryImport(Library, EntryPoint = "LLVMParseIRInContext")]
    public static partial int ParseIRInContext(nint context, nint buffer, out nint module, out byte* message);

    [LibraryImport(Library, EntryPoint = "LLVMVerifyModule")]
    public static partial int VerifyModule(nint module, int action, out byte* message);

    [LibraryImport(Library, EntryPoint = "LLVMDisposeModule")]
    public static partial void DisposeModule(nint module);

    [LibraryImport(Library, EntryPoint = "LLVMDisposeMessage")]
    public static partial void DisposeMessage(byte* message);

    [LibraryImport(Library, EntryPoint = "LLVMGetTargetFromTriple", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetTargetFromTriple(string triple, out nint target, out byte* message);

    [LibraryImport(Library, EntryPoint = "LLVMCreateTargetMachine", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint CreateTargetMachine(nint target, string triple, string cpu, string features, int level, int relocation, int codeModel);

    [LibraryImport(Library, EntryPoint = "LLVMDisposeTargetMachine")]
    public static partial void DisposeTargetMachine(nint machine);

    [LibraryImport(Library, EntryPoint = "LLVMCreatePassBuilderOptions")]
    public static partial nint CreatePassBuilderOptions();

    [LibraryImport(Library, EntryPoint = "LLVMDisposePassBuilderOptions")]
    public static partial void DisposePassBuilderOptions(nint options);

    /// <summary>An error, or 0.</summary>
    [LibraryImport(Library, EntryPoint = "LLVMRunPasses", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint RunPasses(nint module, string passes, nint machine, nint options);

    /// <summary>Takes the error.</summary>
    [LibraryImport(Library, EntryPoint = "LLVMGetErrorMessage")]
    public static partial byte* GetErrorMessage(nint error);

    [LibraryImport(Library, EntryPoint = "LLVMDisposeErrorMessage")]
    public static partial void DisposeErrorMessage(byte* message);

    [LibraryImport(Library, EntryPoint = "LLVMTargetMachineEmitToMemoryBuffer")]
    public static partial int TargetMachineEmitToMemoryBuffer(nint machine, nint module, int fileType, out byte* message, out nint buffer);
}
