using Lathe.Kernels.Llvm.Objects;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Llvm;

/// <summary>Kernels as machine code: bytes that run wherever they are mapped.</summary>
/// <param name="Code">The code and its constants.</param>
/// <param name="Entries">Where each kernel starts.</param>
/// <param name="Imports">Where the tables are that the runtime fills with the addresses of its functions.</param>
public sealed record NativeCode(byte[] Code, IReadOnlyList<int> Entries, IReadOnlyList<int> Imports)
{
    private const int Alignment = 64;

    /// <summary>One after another.</summary>
    public static NativeCode Join(IEnumerable<NativeCode> parts)
    {
        List<byte> code = [];
        List<int> entries = [], imports = [];
        foreach (NativeCode part in parts)
        {
            while (code.Count % Alignment != 0) code.Add(0);
            int start = code.Count;
            entries.AddRange(part.Entries.Select(entry => entry + start));
            imports.AddRange(part.Imports.Select(import => import + start));
            code.AddRange(part.Code);
        }

        return new NativeCode([.. code], entries, imports);
    }

    /// <summary>Compiles kernels.</summary>
    /// <param name="machine">What the kernels were compiled for.</param>
    /// <param name="level">The CPU that the code is for.</param>
    /// <param name="kernels">The kernels, with names that are distinct identifiers.</param>
    /// <exception cref="InvalidOperationException">No libLLVM is installed.</exception>
    /// <exception cref="NotSupportedException">A kernel has no native form.</exception>
    public static NativeCode Compile(Machine machine, CpuLevel level, IReadOnlyList<Kernel> kernels) =>
        Flattening.Run(ObjectCompiler.Compile(LlvmPrinter.Print(machine, level, kernels), level), [.. kernels.Select(k => k.Name)]);
}
