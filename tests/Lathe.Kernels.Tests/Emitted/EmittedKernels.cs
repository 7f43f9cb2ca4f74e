using System.Reflection;
using System.Runtime.Loader;
using Basic.Reference.Assemblies;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Kernels.Targets.CSharp;
using Lathe.Runtime.Plans;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Kernels of one machine, printed, compiled against .NET 8 and loaded; those of AVX-512 run in software where the CPU lacks it.</summary>
public sealed class EmittedKernels : CompiledKernels
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

    /// <inheritdoc/>
    public override string Source { get; }

    /// <summary>Why this CPU cannot run kernels of a machine, or null if it can.</summary>
    public static string? Unsupported(Machine machine) =>
        machine.Isa.IsAvailable() || (machine.Isa == Isa.Avx512 && Avx512Emulation.Needs.IsAvailable()) ? null : "This CPU has no AVX2 with FMA.";

    /// <inheritdoc/>
    public override unsafe Call Find(string name)
    {
        MethodInfo method = _class.GetMethod(name)!;
        System.Runtime.CompilerServices.RuntimeHelpers.PrepareMethod(method.MethodHandle);
        nint address = method.MethodHandle.GetFunctionPointer();
        return (buffers, dims, from, to, scratch) => ((delegate*<byte**, nint*, nint, nint, byte*, int>)address)(buffers, dims, from, to, scratch);
    }
}
