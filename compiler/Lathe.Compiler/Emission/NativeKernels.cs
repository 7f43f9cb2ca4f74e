using System.Security.Cryptography;
using Lathe.Kernels.Llvm;
using Lathe.Kernels.Schedules;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Emission;

/// <summary>The native code of all kernels for an instruction set.</summary>
/// <param name="Plan">What the plan says of it.</param>
/// <param name="Native">The code.</param>
/// <param name="Entries">Where each kernel starts; -1 for one that has no native form.</param>
/// <param name="VnniEntries">Where each starts in its form for processors with instructions for dot products of bytes; -1 for one that has none.</param>
public sealed record NativeKernels(PlanNativeCode Plan, NativeCode Native, IReadOnlyList<int> Entries, IReadOnlyList<int> VnniEntries)
{
    /// <summary>Compiles kernels, each by itself: what one becomes does not depend on the others. Null if there are no native kernels for the instruction set.</summary>
    public static NativeKernels? Compile(Isa isa, IReadOnlyList<ScheduledKernel> kernels, IReadOnlyList<bool> multiplyBytes, CancellationToken cancellation)
    {
        if (ObjectCompiler.Version is null || CpuLevel.Of(isa) is not { } level) return null;
        // Every kernel, and behind them those that multiply bytes once more.
        int[] again = CpuLevel.Of(isa, hasVnni: true) is null ? [] : [.. Enumerable.Range(0, kernels.Count).Where(i => multiplyBytes[i])];
        (ScheduledKernel Kernel, CpuLevel Level)[] all = [.. kernels.Select(k => (k, level)), .. again.Select(i => (kernels[i], CpuLevel.Of(isa, hasVnni: true)!))];
        NativeCode?[] parts = new NativeCode?[all.Length];
        Parallel.For(0, all.Length, new ParallelOptions { CancellationToken = cancellation }, i =>
        {
            try
            {
                NativeCode part = NativeCode.Compile(all[i].Kernel.Machine, all[i].Level, [all[i].Kernel.Kernel]);
                parts[i] = all[i].Level.HasVnni ? part with { Functions = [.. part.Functions.Select(f => f with { Name = $"{f.Name}.vnni" })] } : part;
            }
            catch (Exception refused) when (refused is NotSupportedException or InvalidOperationException or InvalidDataException or EntryPointNotFoundException)
            {
                // Something that has no native form, or a version of libLLVM that makes something else of it. The kernel in C# runs, and the runtime says so.
            }
        });
        NativeCode code = NativeCode.Join(parts.OfType<NativeCode>());
        int next = 0;
        int[] entries = [.. parts.Select(part => part is null ? -1 : code.Entries[next++])], vnni = [.. Enumerable.Repeat(-1, kernels.Count)];
        for (int i = 0; i < again.Length; i++)
        {
            vnni[again[i]] = entries[kernels.Count + i];
            // Without its form for the processors that it is meant for, a kernel has none: the runtime says so, where the slower one would run unnoticed.
            if (vnni[again[i]] < 0) entries[again[i]] = -1;
        }

        return next == 0 ? null : new NativeKernels(new PlanNativeCode(isa, code.Code.Length, Convert.ToHexStringLower(SHA256.HashData(code.Code)), code.Imports), code, entries[..kernels.Count], vnni);
    }
}
