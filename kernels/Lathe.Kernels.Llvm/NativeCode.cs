using Lathe.Kernels.Llvm.Objects;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Llvm;

/// <summary>Kernels as machine code: bytes that run wherever they are mapped.</summary>
/// <param name="Code">The code and its constants.</param>
/// <param name="Entries">Where each kernel starts.</param>
/// <param name="Imports">Where the tables are that the runtime fills with the addresses of its functions.</param>
/// <param name="ImportUses">Where the distances to those tables are, for code that has its table elsewhere.</param>
/// <param name="Functions">What debuggers know of it.</param>
public sealed record NativeCode(byte[] Code, IReadOnlyList<int> Entries, IReadOnlyList<int> Imports, IReadOnlyList<ImportUse> ImportUses, IReadOnlyList<NativeFunction> Functions)
{
    /// <summary>What the code's address is a multiple of.</summary>
    internal const int Alignment = 64;

    /// <summary>One after another.</summary>
    public static NativeCode Join(IEnumerable<NativeCode> parts)
    {
        List<byte> code = [];
        List<int> entries = [], imports = [];
        List<ImportUse> uses = [];
        List<NativeFunction> functions = [];
        foreach (NativeCode part in parts)
        {
            while (code.Count % Alignment != 0) code.Add(0);
            int start = code.Count;
            entries.AddRange(part.Entries.Select(entry => entry + start));
            imports.AddRange(part.Imports.Select(import => import + start));
            uses.AddRange(part.ImportUses.Select(use => use with { Place = use.Place + start }));
            functions.AddRange(part.Functions.Select(function => function with { Place = function.Place + start }));
            code.AddRange(part.Code);
        }

        return new NativeCode([.. code], entries, imports, uses, functions);
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

/// <summary>A distance of 32 bits from itself to a table of functions.</summary>
/// <param name="Place">Where it is.</param>
/// <param name="Addend">What is added to it.</param>
public readonly record struct ImportUse(int Place, int Addend);

/// <summary>A function of native code.</summary>
/// <param name="Name">Its name: an identifier that we made.</param>
/// <param name="Place">Where it starts.</param>
/// <param name="Size">How many bytes it has.</param>
public sealed record NativeFunction(string Name, int Place, int Size);
