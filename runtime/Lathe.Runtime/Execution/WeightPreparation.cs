using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>
/// Runs the steps of a plan that compute something of the weights once, when a model is loaded. They compute with denormal numbers, whatever inferences do: weights are not
/// to become zero.
/// </summary>
internal static unsafe class WeightPreparation
{
    /// <exception cref="LatheException">LATHE0503: the plan is corrupt. LATHE0506: there is not enough memory. LATHE0507: a kernel failed.</exception>
    public static void Run(ModelCode code, Weights weights, int threads)
    {
        Team team = Team.Shared;
        TeamJob job = new(threads, flushDenormals: false);
        team.Enter();
        try
        {
            foreach (KernelStep step in code.Plan.Preparation) Run(code, weights, threads, step, team, job);
        }
        finally
        {
            team.Leave();
        }
    }

    private static void Run(ModelCode code, Weights weights, int threads, KernelStep step, Team team, TeamJob job)
    {
        byte** buffers = stackalloc byte*[step.Buffers.Count];
        for (int i = 0; i < step.Buffers.Count; i++)
        {
            PlanBuffer buffer = code.Plan.Buffers[step.Buffers[i]];
            buffers[i] = (buffer.Kind == BufferKind.Prepared ? weights.Prepared : weights.Pointer) + buffer.Offset.Evaluate([]);
        }

        nint* given = stackalloc nint[step.Dims.Count];
        long[] dims = new long[step.Dims.Count];
        for (int i = 0; i < dims.Length; i++) given[i] = (nint)(dims[i] = step.Dims[i].Evaluate([]));
        PlanVariant variant = code.VariantOf(step);
        long extent = RequestProgram.Size(variant.Extent, dims, "the extent of a step");
        if (extent == 0) return;
        int slices = Math.Max(1, WorkEstimate.Slices(RequestProgram.Value(step.Macs, [], "the work of a step"), RequestProgram.Value(step.Traffic, [], "the traffic of a step"), extent, threads));
        long scratch = checked(RequestProgram.Size(variant.ScratchBytes, dims, "the scratch of a step") + (Plan.Alignment - 1)) & -Plan.Alignment;
        using NativeBlock memory = NativeBlock.Allocate(checked(scratch * slices), "What loading a model needs");
        Operation operation = new()
        {
            Kind = OperationKind.Call,
            Slices = slices,
            Function = (delegate*<byte**, nint*, nint, nint, byte*, int>)code.Functions[step.Kernel],
            IsNative = code.IsNative(step.Kernel),
            Buffers = buffers,
            Dims = given,
            Extent = (nint)extent,
        };
        team.Run(job, in operation, memory.Pointer, scratch);
        if (job.Failure is { } failure) throw new LatheException(ErrorIds.Kernel, $"{Describe()} failed: {failure.Message}", failure);
        if (job.Error != 0) throw new LatheException(ErrorIds.Kernel, $"{Describe()} reported error {job.Error}.");

        string Describe() => $"Model '{code.Plan.Model}': loading the weights of node '{step.Node}' ({step.Op})";
    }
}
