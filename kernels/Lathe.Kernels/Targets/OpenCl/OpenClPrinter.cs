using System.Text.RegularExpressions;
using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Targets.OpenCl;

/// <summary>
/// Final dialect → OpenCL C 1.2: one program, in it the kernels and above them the few functions that they call. Of the parameters of a kernel the first are its buffers, each a memory object
/// and an offset into it in bytes; then its dims; then the slice of the parallel axis that a launch computes, and how much of it is a work-item's; at last the scratch memory and how much of it
/// is a work-item's.
/// </summary>
public static partial class OpenClPrinter
{
    /// <summary>What the name of a kernel ends in, so that it is no word of the language, whatever it begins with.</summary>
    public const string KernelEnding = "_kernel";

    /// <summary>Prints a program.</summary>
    /// <param name="machine">What the kernels were compiled for; its vectors are those of the source.</param>
    /// <param name="kernels">The kernels, with names that are distinct identifiers.</param>
    /// <exception cref="NotSupportedException">A kernel has something that has no form in OpenCL C.</exception>
    public static string Print(Machine machine, IReadOnlyList<Kernel> kernels)
    {
        SortedSet<string> used = new(StringComparer.Ordinal);
        CodeWriter body = new();
        foreach (Kernel kernel in kernels)
        {
            new KernelPrinter(kernel, machine.Lanes, body, used).Print();
            body.Line();
        }

        string kernelText = body.ToString(), functions = Functions.Print(machine.Lanes, used);
        CodeWriter writer = new();
        writer.Line($"// Kernels with vectors of {machine.Lanes} lanes: kernel(buffers, dims, from, to, slice, scratch).");
        if (Doubles().IsMatch(kernelText) || Doubles().IsMatch(functions)) writer.Line("#pragma OPENCL EXTENSION cl_khr_fp64 : enable");
        // A sum of a product is two roundings where the program has two operators.
        writer.Line("#pragma OPENCL FP_CONTRACT OFF");
        writer.Line();
        return $"{writer}{functions}{kernelText.TrimEnd('\n')}\n";
    }

    /// <summary>The type as a word, or in a conversion, outside of comments: <see cref="Identifiers"/> gives nothing else that name, and other names may contain it.</summary>
    [GeneratedRegex(@"^(?!\s*//).*\b(?:convert_|as_)?double\d*\b", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Doubles();
}
