namespace Lathe.Runtime.Execution;

/// <summary>A plan as operations in order, before sizes are known; made by <see cref="ProgramBuilder"/> for one request.</summary>
/// <param name="Operations">The operations.</param>
/// <param name="Sources">The plan's step of each operation; null where it has no sizes.</param>
/// <param name="Starts">Where each operation's entries of the pointer table and of the dims begin.</param>
/// <param name="Steps">The steps that do work.</param>
/// <param name="Slots">The buffer of every entry of the pointer table.</param>
/// <param name="SlotDevices">The accelerator in whose memory every entry of the pointer table is; 0 for the host's.</param>
/// <param name="KernelDims">How many dims all kernels are given.</param>
/// <param name="Assignments">The steps that compute dims, in the order of the plan.</param>
/// <param name="Static">What depends on no computed dim: its buffers, operations and outputs.</param>
/// <param name="IsLoopBuffer">For each buffer, true if it moves while a loop runs.</param>
/// <param name="IsStatic">For each buffer, true if its place and size depend on no computed dim.</param>
internal sealed record ProgramParts(
    Operation[] Operations,
    Plans.PlanStep?[] Sources,
    (int Slot, int Dim)[] Starts,
    RequestStep[] Steps,
    int[] Slots,
    int[] SlotDevices,
    int KernelDims,
    Assignment[] Assignments,
    Assignment Static,
    bool[] IsLoopBuffer,
    bool[] IsStatic);
