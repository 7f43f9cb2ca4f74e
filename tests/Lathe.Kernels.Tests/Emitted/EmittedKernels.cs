using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Basic.Reference.Assemblies;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Kernels.Targets.CSharp;
using Lathe.Runtime.Plans;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Kernels of one machine, printed, compiled against .NET 8 and loaded; those of AVX-512 run in software where the CPU lacks it.</summary>
public sealed class EmittedKernels
{
    private readonly Type _class;

    /// <summary>Compiles kernels whose names are distinct.</summary>
    public EmittedKernels(Machine machine, IReadOnlyList<ScheduledKernel> kernels)
    {
        Source = CSharpPrinter.Print("", "Kernels", machine, [.. kernels.Select(k => k.Kernel)]);
        Dictionary<string, string> sources = new() { ["Kernels.cs"] = Source };
        if (!machine.Isa.IsAvailable()) sources[Avx512Emulation.FileName] = Avx512Emulation.Source;
        CSharpCompilation compilation = CSharpCompilation.Create(
            $"Kernels_{machine.Isa}_{Guid.NewGuid():N}",
            [.. sources.Select(s => CSharpSyntaxTree.ParseText(s.Value, new CSharpParseOptions(LanguageVersion.CSharp12), s.Key))],
            Net80.References.All,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, allowUnsafe: true));
        using MemoryStream stream = new();
        Microsoft.CodeAnalysis.Emit.EmitResult result = compilation.Emit(stream);
        Diagnostic[] problems = [.. result.Diagnostics.Where(d => d.Severity >= DiagnosticSeverity.Warning)];
        if (problems.Length > 0) throw new InvalidOperationException(string.Join('\n', problems.Take(10)) + "\n" + Source);
        stream.Position = 0;
        _class = new AssemblyLoadContext(null).LoadFromStream(stream).GetType("Kernels")!;
    }

    /// <summary>What was compiled.</summary>
    public string Source { get; }

    /// <summary>Why this CPU cannot run kernels of a machine, or null if it can.</summary>
    public static string? Unsupported(Machine machine) =>
        machine.Isa.IsAvailable() || (machine.Isa == Isa.Avx512 && Avx512Emulation.Needs.IsAvailable()) ? null : "This CPU has no AVX2 with FMA.";

    /// <summary>The address of a kernel.</summary>
    public unsafe delegate*<byte**, nint*, nint, nint, byte*, int> this[string name]
    {
        get
        {
            MethodInfo method = _class.GetMethod(name)!;
            System.Runtime.CompilerServices.RuntimeHelpers.PrepareMethod(method.MethodHandle);
            return (delegate*<byte**, nint*, nint, nint, byte*, int>)method.MethodHandle.GetFunctionPointer();
        }
    }

    /// <summary>Calls a kernel for slices of its parallel axis, in aligned memory whose end is followed by a guard pattern.</summary>
    public unsafe int Run(ScheduledKernel kernel, IReadOnlyList<Memory> buffers, IReadOnlyList<long> dims, params (long From, long To)[] slices)
    {
        Dictionary<string, long> values = new(StringComparer.Ordinal);
        for (int i = 0; i < dims.Count; i++) values[kernel.Kernel.Dims[i].Name] = dims[i];
        long scratchBytes = kernel.ScratchBytes.Evaluate(v => values[v.Name]);
        nint[] dimValues = [.. dims.Select(d => (nint)d), 0];
        const int guard = 256;
        byte** pointers = stackalloc byte*[buffers.Count + 1];
        byte* scratch = (byte*)NativeMemory.AlignedAlloc((nuint)(scratchBytes + guard), 64);
        new Span<byte>(scratch, (int)scratchBytes + guard).Fill(0xA5);
        try
        {
            for (int i = 0; i < buffers.Count; i++)
            {
                Span<byte> bytes = buffers[i].Bytes;
                pointers[i] = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes.Length + guard), 64);
                bytes.CopyTo(new Span<byte>(pointers[i], bytes.Length));
                new Span<byte>(pointers[i] + bytes.Length, guard).Fill(0xA5);
            }

            int code = 0;
            fixed (nint* d = dimValues)
                foreach ((long from, long to) in slices) code |= this[kernel.Kernel.Name](pointers, d, (nint)from, (nint)to, scratch);
            for (int i = 0; i < buffers.Count; i++)
            {
                int length = buffers[i].Bytes.Length;
                if (new Span<byte>(pointers[i] + length, guard).ContainsAnyExcept((byte)0xA5)) throw new InvalidOperationException($"{kernel.Kernel.Name} writes beyond the end of buffer {i}.");
                new Span<byte>(pointers[i], length).CopyTo(buffers[i].Bytes);
                buffers[i].MarkWritten();
            }

            if (new Span<byte>(scratch + scratchBytes, guard).ContainsAnyExcept((byte)0xA5)) throw new InvalidOperationException($"{kernel.Kernel.Name} writes beyond its scratch memory.");
            return code;
        }
        finally
        {
            for (int i = 0; i < buffers.Count; i++) NativeMemory.AlignedFree(pointers[i]);
            NativeMemory.AlignedFree(scratch);
        }
    }
}
