using System.Security.Cryptography;
using Lathe.Kernels.Llvm;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Emission;

/// <summary>The native code of all kernels for an instruction set.</summary>
/// <param name="Plan">What the plan says of it.</param>
/// <param name="Code">The code.</param>
/// <param name="Entries">Where each kernel starts; -1 for one that has no native form.</param>
/// <param name="VnniEntries">Where each starts in its form for processors with instructions for dot products of bytes; -1 for one that has none.</param>
public sealed record NativeKernels(PlanNativeCode Plan, byte[] Code, IReadOnlyList<int> Entries, IReadOnlyList<int> VnniEntries)
{
    /// <summary>Compiles kernels, each by itself: what one becomes does not depend on the others. Null if there are no native kernels for the instruction set.</summary>
    public static NativeKernels? Compile(Isa isa, IReadOnlyList<ScheduledKernel> kernels, CancellationToken cancellation)
    {
        if (ObjectCompiler.Version is null || CpuLevel.Of(isa) is not { } level) return null;
        // Every kernel, and behind them those with dot products of bytes once more.
        (ScheduledKernel Kernel, CpuLevel Level)[] all =
        [
            .. kernels.Select(k => (k, level)),
            .. CpuLevel.Of(isa, hasVnni: true) is { } vnni ? kernels.Where(HasDots).Select(k => (k, vnni)) : [],
        ];
        NativeCode?[] parts = new NativeCode?[all.Length];
        Parallel.For(0, all.Length, new ParallelOptions { CancellationToken = cancellation }, i =>
        {
            try
            {
                parts[i] = NativeCode.Compile(all[i].Kernel.Machine, all[i].Level, [all[i].Kernel.Kernel]);
            }
            catch (Exception refused) when (refused is NotSupportedException or InvalidOperationException or InvalidDataException or EntryPointNotFoundException)
            {
                // Something that has no native form, or a version of libLLVM that makes something else of it. The kernel in C# runs, and the runtime says so.
            }
        });
        NativeCode code = NativeCode.Join(parts.OfType<NativeCode>());
        int next = 0, again = kernels.Count;
        int[] entries = [.. parts.Select(part => part is null ? -1 : code.Entries[next++])];
        // Without its form for the processors that it is meant for, a kernel has none: the runtime says so, where the slower one would run unnoticed.
        int[] dots = [.. kernels.Select(k => all.Length > kernels.Count && HasDots(k) ? entries[again++] : -1)];
        return next == 0 ? null : new NativeKernels(new PlanNativeCode(isa, code.Code.Length, Convert.ToHexStringLower(SHA256.HashData(code.Code)), code.Imports), code.Code, [.. kernels.Select((k, i) => all.Length > kernels.Count && HasDots(k) && dots[i] < 0 ? -1 : entries[i])], dots);
    }

    private static bool HasDots(ScheduledKernel kernel) => StatementWalk.All(kernel.Kernel.Body).SelectMany(StatementWalk.Expressions).SelectMany(ExprWalk.All).Any(e => e is Dot4);
}
