using Lathe.Kernels.Loops;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Lowering;

/// <summary>A kernel of the plan before code is made of it: its computation and its name.</summary>
/// <param name="Name">An identifier, unique in the plan.</param>
/// <param name="Computation">What it computes.</param>
/// <param name="Convolution">The signature by which the algorithm of a convolution is chosen; null for what is none.</param>
public sealed record PlannedKernel(string Name, Computation Computation, string? Convolution = null)
{
    /// <summary>True if it multiplies bytes four at a time.</summary>
    public bool MultipliesBytes { get; } = Computation.Stages.SelectMany(s => s.Accumulators.Items).SelectMany(a => ExprWalk.All(a.Update)).Any(e => e is Dot4);

    /// <summary>The signature by which its schedule is chosen.</summary>
    public string Signature { get; } = Kernels.Schedules.Signature.Of(Computation);
}

/// <summary>What <see cref="PlanBuilder"/> gives: everything of a plan but the functions of its kernels.</summary>
/// <param name="Kernels">The kernels.</param>
/// <param name="Symbols">The named dims, computed ones last.</param>
/// <param name="GivenSymbols">How many of them are not computed.</param>
/// <param name="Inputs">The inputs.</param>
/// <param name="Outputs">The outputs.</param>
/// <param name="Buffers">The buffers.</param>
/// <param name="Steps">The steps.</param>
/// <param name="ArenaBytes">What of the size of the host's arena does not depend on computed dims.</param>
/// <param name="Storages">The pieces of the host's arena.</param>
/// <param name="Weights">The packed weights.</param>
/// <param name="Preparation">What is computed of the weights when the model is loaded.</param>
/// <param name="PreparedBytes">The size of what that gives.</param>
public sealed record PlannedModel(
    IReadOnlyList<PlannedKernel> Kernels,
    IReadOnlyList<IndexVar> Symbols,
    int GivenSymbols,
    IReadOnlyList<PlanTensor> Inputs,
    IReadOnlyList<PlanTensor> Outputs,
    IReadOnlyList<PlanBuffer> Buffers,
    IReadOnlyList<PlanStep> Steps,
    IndexExpr ArenaBytes,
    IReadOnlyList<Storage> Storages,
    byte[] Weights,
    IReadOnlyList<KernelStep> Preparation,
    long PreparedBytes)
{
    /// <summary>The devices beside the CPU, with the sizes of their arenas.</summary>
    public IReadOnlyList<PlanAccelerator> Accelerators { get; init; } = [];

    /// <summary>What is placed where, in order; empty for a model of one device.</summary>
    public IReadOnlyList<PlacedNode> Placed { get; init; } = [];

    /// <summary>True for a model that multiplies bytes.</summary>
    public bool MultipliesBytes => Kernels.Any(k => k.MultipliesBytes);

    /// <summary>The numbers of the kernels that steps on a device run; for the CPU those too that are run when the model is loaded.</summary>
    public HashSet<int> KernelsOn(string device) =>
    [
        .. KernelSteps(Steps).Concat(Preparation).Where(step => (step.Device == 0 ? "CPU" : Accelerators[step.Device - 1].Device) == device).Select(step => step.Kernel),
    ];

    /// <summary>The name of the precision as a whole: that of products of bytes, or of weights of 16 bits, if there are some.</summary>
    public string Precision => MultipliesBytes ? "int8" : OfHalves ?? PrecisionNames.Fp32;

    /// <summary>True if weights are stored in 16 bits.</summary>
    public bool HasHalves => OfHalves is not null;

    private string? OfHalves => Preparation.Concat(KernelSteps(Steps)).Select(s => s.Precision).FirstOrDefault(p => p is PrecisionNames.Fp16 or PrecisionNames.Bf16);

    private static IEnumerable<KernelStep> KernelSteps(IReadOnlyList<PlanStep> steps) => steps.SelectMany(step => step switch
    {
        KernelStep kernel => [kernel],
        LoopStep loop => KernelSteps(loop.Body),
        IfStep choice => KernelSteps(choice.Then).Concat(KernelSteps(choice.Else)),
        _ => [],
    });
}

/// <summary>A node of a graph for several devices.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Operators">Its operators, joined with '+'.</param>
/// <param name="Device">Its device.</param>
/// <param name="Subgraph">The number of its subgraph.</param>
/// <param name="Needs">The numbers of the nodes before it that it reads something of, whatever device that is copied from.</param>
public sealed record PlacedNode(string Name, string Operators, string Device, int Subgraph, IReadOnlyList<int> Needs);
