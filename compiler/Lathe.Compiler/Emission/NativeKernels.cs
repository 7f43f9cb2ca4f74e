using System.Security.Cryptography;
using Lathe.Kernels.Llvm;
using Lathe.Kernels.Schedules;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Emission;

/// <summary>The native code of all kernels for an instruction set.</summary>
/// <param name="Plan">What the plan says of it.</param>
/// <param name="Code">The code.</param>
/// <param name="Entries">Where each kernel starts; -1 for one that has no native form.</param>
public sealed record NativeKernels(PlanNativeCode Plan, byte[] Code, IReadOnlyList<int> Entries)
{
    /// <summary>Compiles kernels, each by itself: what one becomes does not depend on the others. Null if there are no native kernels for the instruction set.</summary>
    public static NativeKernels? Compile(Isa isa, IReadOnlyList<ScheduledKernel> kernels, CancellationToken cancellation)
    {
        if (ObjectCompiler.Version is null || CpuLevel.Of(isa) is not { } level) return null;
        NativeCode?[] parts = new NativeCode?[kernels.Count];
        Parallel.For(0, kernels.Count, new ParallelOptions { CancellationToken = cancellation }, i =>
        {
            try
            {
                parts[i] = NativeCode.Compile(kernels[i].Machine, level, [kernels[i].Kernel]);
            }
            catch (Exception refused) when (refused is NotSupportedException or InvalidOperationException or InvalidDataException or EntryPointNotFoundException)
            {
                // Something that has no native form, or a version of libLLVM that makes something else of it. The kernel in C# runs, and the runtime says so.
            }
        });
        NativeCode all = NativeCode.Join(parts.OfType<NativeCode>());
        int next = 0;
        int[] entries = [.. parts.Select(part => part is null ? -1 : all.Entries[next++])];
        return next == 0 ? null : new NativeKernels(new PlanNativeCode(isa, all.Code.Length, Convert.ToHexStringLower(SHA256.HashData(all.Code)), all.Imports), all.Code, entries);
    }
}
