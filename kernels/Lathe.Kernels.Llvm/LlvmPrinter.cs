using Lathe.Kernels.Llvm.Printing;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Llvm;

/// <summary>
/// Final dialect → LLVM's IR as text: a module of kernels for one machine, for the calling convention of System V on x86-64. It needs nothing but
/// the pass <c>mem2reg</c> and code generation: what a schedule has laid out, a middle end makes no better.
/// </summary>
public static class LlvmPrinter
{
    /// <summary>Prints a module.</summary>
    /// <param name="machine">What the kernels were compiled for.</param>
    /// <param name="level">What the code may use.</param>
    /// <param name="kernels">The kernels, with names that are distinct identifiers.</param>
    public static string Print(Machine machine, CpuLevel level, IReadOnlyList<Kernel> kernels)
    {
        ModuleWriter module = new();
        foreach (Kernel kernel in kernels) new KernelPrinter(kernel, machine, level, module).Print();
        return module.ToString();
    }
}
