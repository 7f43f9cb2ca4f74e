using Lathe.Kernels.Llvm.Objects;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Llvm;

/// <summary>Kernels as machine code: bytes that run wherever they are mapped.</summary>
/// <param name="Code">The code and its constants.</param>
/// <param name="Entries">Where each kernel starts.</param>
/// <param name="Imports">Where the table is that the runtime fills with the addresses of its functions; -1 if the code calls none.</param>
public sealed record NativeCode(byte[] Code, IReadOnlyList<int> Entries, int Imports)
{
    /// <summary>Compiles kernels.</summary>
    /// <param name="machine">What the kernels were compiled for.</param>
    /// <param name="level">The CPU that the code is for.</param>
    /// <param name="kernels">The kernels, with names that are distinct identifiers.</param>
    /// <exception cref="InvalidOperationException">No libLLVM is installed.</exception>
    public static NativeCode Compile(Machine machine, CpuLevel level, IReadOnlyList<Kernel> kernels) =>
        Flattening.Run(ObjectCompiler.Compile(LlvmPrinter.Print(machine, kernels), level), [.. kernels.Select(k => k.Name)]);
}
