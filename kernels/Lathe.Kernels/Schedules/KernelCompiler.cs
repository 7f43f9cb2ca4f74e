using Lathe.Kernels.Loops;
using Lathe.Kernels.Lowering;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Schedules;

/// <summary>Computation → final dialect: chooses a schedule by family and machine, lowers and runs the passes. There is a schedule for every computation.</summary>
public static class KernelCompiler
{
    /// <summary>Compiles a computation for a machine.</summary>
    /// <param name="computation">What is computed.</param>
    /// <param name="machine">What computes it.</param>
    /// <param name="choice">One of <see cref="Candidates"/>; null for the first.</param>
    public static ScheduledKernel Compile(Computation computation, Machine machine, Choice? choice = null)
    {
        (Kernel lowered, IndexExpr extent) = Lower(computation, machine, choice);
        Kernel kernel = Pipeline.Run(lowered, machine);
        // As lowered: afterwards sizes speak of names inside the kernel.
        return new ScheduledKernel(kernel, machine, extent, ScratchMemory.Bytes(lowered));
    }

    /// <summary>The scheduled dialect, before any pass, and the extent of the parallel axis.</summary>
    public static (Kernel Kernel, IndexExpr Extent) Lower(Computation computation, Machine machine, Choice? choice = null) =>
        ComputationLowering.Lower(computation, Schedule(computation, machine, choice));

    /// <summary>The schedule of a computation's last stage.</summary>
    public static StageSchedule Schedule(Computation computation, Machine machine, Choice? choice = null) =>
        Schedule(computation, machine, candidates => choice ?? candidates[0]);

    /// <summary>The variant table of a computation: the cost model's choice first. Empty where the rules leave nothing open.</summary>
    public static IReadOnlyList<Choice> Candidates(Computation computation, Machine machine)
    {
        IReadOnlyList<Choice> all = [];
        Schedule(computation, machine, candidates =>
        {
            all = [.. candidates.Distinct()];
            return candidates[0];
        });
        return all.Count > 1 ? all : [];
    }

    private static StageSchedule Schedule(Computation computation, Machine machine, Chooser choose)
    {
        Stage last = computation.Stages[^1];
        if (computation.Family == KernelFamily.Winograd) return Winograd.Schedule(computation, machine, choose);
        if (computation.Family == KernelFamily.Strips) return Strips.Schedule(computation, machine);
        if (computation.Stages.Length > 1) return Rows.Schedule(computation, machine);
        return last.Accumulators.Length == 0 ? Maps.Schedule(last, machine) : Reductions.Schedule(last, machine, choose);
    }
}
