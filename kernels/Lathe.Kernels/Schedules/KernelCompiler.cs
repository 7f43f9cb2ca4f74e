using Lathe.Kernels.Loops;
using Lathe.Kernels.Lowering;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Schedules;

/// <summary>Computation → final dialect: chooses a schedule by family and machine, lowers and runs the passes. There is a schedule for every computation.</summary>
public static class KernelCompiler
{
    /// <summary>Compiles a computation for a machine.</summary>
    public static ScheduledKernel Compile(Computation computation, Machine machine)
    {
        (Kernel lowered, IndexExpr extent) = Lower(computation, machine);
        Kernel kernel = Pipeline.Run(lowered, machine);
        // As lowered: afterwards sizes speak of names inside the kernel.
        return new ScheduledKernel(kernel, machine, extent, ScratchMemory.Bytes(lowered));
    }

    /// <summary>The scheduled dialect, before any pass, and the extent of the parallel axis.</summary>
    public static (Kernel Kernel, IndexExpr Extent) Lower(Computation computation, Machine machine) =>
        ComputationLowering.Lower(computation, Schedule(computation, machine));

    /// <summary>The schedule of a computation's last stage.</summary>
    public static StageSchedule Schedule(Computation computation, Machine machine)
    {
        Stage last = computation.Stages[^1];
        if (computation.Family == KernelFamily.Winograd) return Winograd.Schedule(computation, machine);
        if (computation.Family == KernelFamily.Strips) return Strips.Schedule(computation, machine);
        if (computation.Stages.Length > 1) return Rows.Schedule(computation, machine);
        return last.Accumulators.Length == 0 ? Maps.Schedule(last, machine) : Reductions.Schedule(last, machine);
    }
}
