using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;
using Lathe.Runtime.Routines;

namespace Lathe.Runtime.Execution;

/// <summary>A kernel's, routine's or transfer's step of a request, with its work for the request's dims.</summary>
internal sealed class RequestStep(PlanStep plan, RoutineCall? routine)
{
    public PlanStep Plan => plan;

    /// <summary>The kernel's step; null for others.</summary>
    public KernelStep? Kernel => plan as KernelStep;

    /// <summary>What the routine is given; null for other steps.</summary>
    public RoutineCall? Routine => routine;

    public long Macs { get; set; }

    /// <summary>The scratch memory of each thread or work-item that takes part.</summary>
    public long ScratchBytes { get; set; }

    public long Traffic { get; set; }

    public int Slices { get; set; } = 1;

    /// <summary>The call of the step's kernel on a device.</summary>
    public unsafe DeviceLaunch Launch(in Operation operation, int function)
    {
        KernelStep kernel = Kernel!;
        return new(operation.Step, function, (DeviceAddress*)operation.Buffers, kernel.Buffers.Count, operation.Dims, kernel.Dims.Count, operation.Extent, ScratchBytes)
        {
            Op = kernel.Op,
            Precision = kernel.Precision,
            Macs = Macs,
            Traffic = Traffic,
        };
    }
}

/// <summary>
/// A step that gives computed dims their values, and what it then sizes: everything that depends on them and on no dim that a later step computes.
/// </summary>
/// <param name="Step">The step that sets them.</param>
/// <param name="Symbols">The numbers of the dims.</param>
/// <param name="Buffers">The buffers whose place or size it determines.</param>
/// <param name="Slots">The entries of the pointer table that point to one of these.</param>
/// <param name="Operations">The operations whose dims or extent it determines.</param>
/// <param name="Outputs">The outputs whose shape it determines.</param>
/// <param name="Later">The later assignments that size what depends on these dims too.</param>
internal sealed record Assignment(PlanStep Step, int[] Symbols, int[] Buffers, int[] Slots, int[] Operations, int[] Outputs, int[] Later)
{
    /// <summary>The dims as they are being read.</summary>
    public long[] Values { get; } = new long[Symbols.Length];

    /// <summary>True if something has to be sized anew even where the dims have not changed.</summary>
    public bool IsStale { get; set; } = true;
}
