using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Lowering;
using Lathe.Compiler.Tuning;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Kernels.Targets.CSharp;
using Lathe.Kernels.Targets.OpenCl;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Emission;

/// <summary>The kernels of a plan in source form.</summary>
/// <param name="Kernels">The plan's kernels, their functions numbered.</param>
/// <param name="Functions">The functions in the order of their numbers, each as class and method; null for one that only an accelerator has.</param>
/// <param name="Sources">The source by file name.</param>
/// <param name="NativeCode">The native code, best instruction set first.</param>
public sealed record EmittedKernels(
    IReadOnlyList<PlanKernel> Kernels, IReadOnlyList<string?> Functions, IReadOnlyDictionary<string, string> Sources, IReadOnlyList<NativeKernels> NativeCode)
{
    /// <summary>The source of programs for OpenCL by the instruction set whose vectors they have; empty for a model of which the GPU runs nothing.</summary>
    public IReadOnlyDictionary<Isa, string> OpenClSources { get; init; } = new Dictionary<Isa, string>();
}

/// <summary>Schedules every kernel for every instruction set and prints it.</summary>
public static class KernelEmitter
{
    /// <summary>Emits kernels.</summary>
    /// <exception cref="DiagnosticException">
    /// Emulation is asked for of something else than AVX-512 alone, or a tuning record has a schedule that is none.
    /// </exception>
    public static EmittedKernels Emit(
        string className, PlannedModel planned, bool wantsNative, Decisions decisions, CompileOptions options, CancellationToken cancellation)
    {
        if (options.Emulate && options.Isas is not [Isa.Avx512])
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadOption, null, "--emulate", "only avx512, alone, can be emulated: --isa avx512"));
        IReadOnlyList<PlannedKernel> kernels = planned.Kernels;
        // What the CPU runs, or an accelerator that runs its kernels, or what it would run in place of one; and what is printed for OpenCL.
        HashSet<int> onCpu = options.UsesOpenCl ? [] : [.. Enumerable.Range(0, kernels.Count)], onGpu = options.UsesOpenCl ? [.. Enumerable.Range(0, kernels.Count)] : planned.KernelsOn("GPU");
        if (!options.UsesOpenCl && !options.DeviceFallback) onCpu.ExceptWith(onGpu.Except(planned.KernelsOn("CPU")).Except(planned.KernelsOn("SIM")));
        string space = IdentifierNames.Namespace(className);
        List<PlanVariant>[] variants = [.. kernels.Select(_ => new List<PlanVariant>())];
        List<string?> functions = [];
        Dictionary<string, string> sources = [];
        if (options.Emulate) sources[Avx512Emulation.FileName] = Avx512Emulation.Source;
        List<NativeKernels> native = [];
        Dictionary<Isa, string> openCl = [];
        foreach (Isa isa in options.Isas.Distinct().OrderDescending())
        {
            Choice?[] choices =
            [
                .. kernels.Select(k => KernelCompiler.Candidates(k.Computation, Machine.Of(isa)) is { Count: > 0 } all ? decisions.Take(isa, k.Signature, isOfAlgorithm: false, all) : null),
            ];
            ScheduledKernel[] scheduled = new ScheduledKernel[kernels.Count];
            Parallel.For(0, kernels.Count, new ParallelOptions { CancellationToken = cancellation }, i =>
                scheduled[i] = KernelCompiler.Compile(kernels[i].Computation, Machine.Of(isa), choices[i]));
            if (onGpu.Count > 0) openCl[isa] = OpenClPrinter.Print(Machine.Of(isa), [.. onGpu.Order().Select(i => scheduled[i].Kernel)]);
            if (options.UsesOpenCl)
            {
                for (int i = 0; i < kernels.Count; i++) variants[i].Add(Variant(isa, i, scheduled[i], kernels[i]));
                continue;
            }

            string type = $"{IdentifierNames.SimpleName(className)}_{isa}";
            sources[$"Kernels.{isa}.cs"] = CSharpPrinter.Print(space, type, Machine.Of(isa), [.. scheduled.Where((_, i) => onCpu.Contains(i)).Select(s => s.Kernel)]);
            NativeKernels? code = wantsNative ? NativeKernels.Compile(isa, scheduled, [.. kernels.Select(k => k.MultipliesBytes)], cancellation) : null;
            if (code is not null) native.Add(code);
            for (int i = 0; i < kernels.Count; i++)
            {
                PlanVariant variant = Variant(options.Emulate ? Avx512Emulation.Needs : isa, functions.Count, scheduled[i], kernels[i]);
                variants[i].Add(variant with { NarrowIsFaster = isa == Isa.Avx512 && options.Isas.Contains(Isa.Avx2) && kernels[i].MultipliesBytes, NativeEntry = code?.Entries[i] ?? -1, VnniEntry = code?.VnniEntries[i] ?? -1 });
                functions.Add(onCpu.Contains(i) ? $"{type}.{kernels[i].Name}" : null);
            }
        }

        return new EmittedKernels([.. kernels.Select((k, i) => new PlanKernel(k.Name, variants[i]))], functions, sources, native) { OpenClSources = openCl };
    }

    private static PlanVariant Variant(Isa isa, int function, ScheduledKernel scheduled, PlannedKernel kernel) =>
        new(isa, function, scheduled.ScratchBytes.ToSize(kernel.Computation.Dims), scheduled.Extent.ToSize(kernel.Computation.Dims));
}
