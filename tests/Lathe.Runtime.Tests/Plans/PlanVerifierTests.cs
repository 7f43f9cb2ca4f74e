using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests.Plans;

public sealed class PlanVerifierTests
{
    private static readonly Dictionary<string, Func<Plan, Plan>> Damages = new()
    {
        ["step names a missing buffer"] = plan => plan with { Steps = [Kernel(plan) with { Buffers = [0, 1, 99] }] },
        ["step names a negative buffer"] = plan => plan with { Steps = [Kernel(plan) with { Buffers = [-1] }] },
        ["step names a missing kernel"] = plan => plan with { Steps = [Kernel(plan) with { Kernel = 2 }] },
        ["step's dim speaks of a missing dim"] = plan => plan with { Steps = [Kernel(plan) with { Dims = [PlanBuilder.Dim(1)] }] },
        ["extent speaks of a dim the step does not pass"] = plan => plan with { Steps = [Kernel(plan) with { Dims = [] }] },
        ["condition is missing"] = plan => plan with { Steps = [new IfStep("if", "If", 5, [], [])] },
        ["kernel without variants"] = plan => plan with { Kernels = [plan.Kernels[0], new("empty", [])] },
        ["kernel with a variant twice"] = plan => plan with { Kernels = [plan.Kernels[0], new("twice", [.. plan.Kernels[0].Variants, plan.Kernels[0].Variants[0]])] },
        ["unknown instruction set"] = plan => plan with { Kernels = [plan.Kernels[0], new("odd", [new((Isa)9, 0, 0, 1)])] },
        ["two inputs of a name"] = plan => plan with { Inputs = [plan.Inputs[0], plan.Inputs[1] with { Name = "x" }] },
        ["input without a type"] = plan => plan with { Inputs = [plan.Inputs[0] with { Type = ElementType.Undefined }, plan.Inputs[1]] },
        ["input of text"] = plan => plan with { Inputs = [plan.Inputs[0] with { Type = ElementType.String }, plan.Inputs[1]] },
        ["input with an output's buffer"] = plan => plan with { Inputs = [plan.Inputs[0] with { Buffer = plan.Outputs[0].Buffer }, plan.Inputs[1]] },
        ["negative dim"] = plan => plan with { Inputs = [plan.Inputs[0] with { Dims = [-1] }, plan.Inputs[1]] },
        ["strides of other dims"] = plan => plan with { Inputs = [plan.Inputs[0] with { Strides = [-1, -1, -1, -1, -1] }, plan.Inputs[1]] },
        ["stride that is not there"] = plan => plan with { Inputs = [plan.Inputs[0] with { Strides = [.. plan.Inputs[0].Dims.Select(_ => 99)] }, plan.Inputs[1]] },
        ["stride that is a dim"] = plan => plan with { Symbols = [new("N", 1, 4, 2)], Inputs = [plan.Inputs[0] with { Strides = [.. plan.Inputs[0].Dims.Select(_ => 0)] }, plan.Inputs[1]] },
        ["output with strides"] = plan => plan with { Outputs = [plan.Outputs[0] with { Strides = [.. plan.Outputs[0].Dims.Select(_ => -1)] }] },
        ["buffer after the weights"] = plan => plan with { WeightBytes = 3 },
        ["negative weights"] = plan => plan with { WeightBytes = -1 },
        ["negative arena"] = plan => plan with { ArenaBytes = -64 },
        ["buffer of unknown kind"] = plan => plan with { Buffers = [.. plan.Buffers, new((BufferKind)7, 0, 0, 0)] },
        ["default outside its range"] = plan => plan with { Symbols = [new("N", 2, 4, 5)] },
        ["two dims of a name"] = plan => plan with { Symbols = [plan.Symbols[0], plan.Symbols[0]] },
    };

    private static readonly Dictionary<string, Func<Plan, Plan>> DamagesOfPreparation = new()
    {
        ["buffer after what is prepared"] = plan => plan with { PreparedBytes = 79 },
        ["device that prepares nothing"] = plan => plan with { Device = "GPU" },
        ["negative size"] = plan => plan with { PreparedBytes = -1 },
        ["step that names a missing kernel"] = plan => plan with { Preparation = [plan.Preparation[0] with { Kernel = 2 }] },
        ["step that depends on a dim"] = plan => plan with { Symbols = [new("N", 1, 4, 2)], Preparation = [plan.Preparation[0] with { Dims = [PlanBuilder.Dim(0)] }] },
        ["step that reads an input"] = plan => plan with { Preparation = [plan.Preparation[0] with { Buffers = [.. plan.Preparation[0].Buffers, plan.Inputs[0].Buffer] }] },
        ["step that writes nothing"] = plan => plan with { Preparation = [plan.Preparation[0] with { Buffers = [.. plan.Preparation[0].Buffers.Skip(1)] }] },
        ["buffer that is not aligned"] = plan => plan with { Buffers = [.. plan.Buffers.Select(b => b.Kind == BufferKind.Prepared ? b with { Offset = 4 } : b)] },
    };

    private static readonly Dictionary<string, Func<Plan, Plan>> DamagesOfHetero = new()
    {
        ["accelerator without a name"] = plan => plan with { Accelerators = [plan.Accelerators[0] with { Device = "" }] },
        ["accelerator that is the CPU"] = plan => plan with { Accelerators = [plan.Accelerators[0] with { Device = "CPU" }] },
        ["accelerator twice"] = plan => plan with { Accelerators = [plan.Accelerators[0], plan.Accelerators[0]] },
        ["accelerator with a negative arena"] = plan => plan with { Accelerators = [plan.Accelerators[0] with { ArenaBytes = -1 }] },
        ["accelerator with an arena of data"] = plan => Computed(plan) with { Accelerators = [plan.Accelerators[0] with { ArenaBytes = PlanBuilder.Dim(1) }] },
        ["buffer of a missing accelerator"] = plan => plan with { Accelerators = [] },
        ["buffer of a negative accelerator"] = plan => plan with { Buffers = [.. plan.Buffers, plan.Buffers[3] with { Device = -1 }] },
        ["input in an accelerator's memory"] = plan => plan with { Buffers = [plan.Buffers[0] with { Device = 1 }, .. plan.Buffers.Skip(1)] },
        ["accelerator's buffer of data"] = plan => Computed(plan) with { Buffers = [.. plan.Buffers, plan.Buffers[5] with { Bytes = PlanBuilder.Dim(1) }] },
        ["step on a missing device"] = plan => With(plan, 1, ((KernelStep)plan.Steps[1]) with { Device = 2 }),
        ["step on a negative device"] = plan => With(plan, 1, ((KernelStep)plan.Steps[1]) with { Device = -1 }),
        ["step of an accelerator in the host's memory"] = plan => With(plan, 1, ((KernelStep)plan.Steps[1]) with { Buffers = [3, 5, 4] }),
        ["step of the host in an accelerator's memory"] = plan => With(plan, 3, ((KernelStep)plan.Steps[3]) with { Buffers = [2, 5, 1] }),
        ["step of an accelerator in a branch"] = plan => With(plan, 1, new IfStep("if", "If", 0, [plan.Steps[1]], [])),
        ["step of an accelerator with dims of data"] = plan => With(Computed(plan), 1, ((KernelStep)plan.Steps[1]) with { Dims = [PlanBuilder.Dim(1)] }),
        ["transfer in a branch"] = plan => With(plan, 0, new IfStep("if", "If", 0, [], [plan.Steps[0]])),
        ["transfer inside the host"] = plan => With(plan, 0, Transfer(plan, 0) with { To = 3 }),
        ["transfer inside an accelerator"] = plan => With(plan, 2, Transfer(plan, 2) with { To = 5 }),
        ["transfer to an input"] = plan => With(plan, 2, Transfer(plan, 2) with { To = 0 }),
        ["transfer to weights"] = plan => With(plan, 2, Transfer(plan, 2) with { To = 4 }),
        ["transfer of too much"] = plan => With(plan, 0, new TransferStep("w", "Transfer", 4, 5, 8)) with { Buffers = [.. plan.Buffers.Take(5), plan.Buffers[5] with { Bytes = 8 }, .. plan.Buffers.Skip(6)] },
        ["transfer of less than nothing"] = plan => With(plan, 0, Transfer(plan, 0) with { Bytes = -1 }),
        ["transfer of data"] = plan => With(Computed(plan), 0, Transfer(plan, 0) with { Bytes = PlanBuilder.Dim(1) }),
        ["transfer of a missing buffer"] = plan => With(plan, 0, Transfer(plan, 0) with { From = 99 }),
        ["transfer of an input with strides"] = plan => plan with { Symbols = [.. plan.Symbols, new("s", 1, 1000, 1, IsComputed: true)], Inputs = [plan.Inputs[0] with { Strides = [1] }, plan.Inputs[1]] },
        ["condition in an accelerator's memory"] = plan => With(plan, 3, new IfStep("if", "If", 5, [], [])),
        ["measurement in an accelerator's memory"] = plan => With(Computed(plan), 3, new MeasureStep("m", "Measure", 5, ElementType.Int64, [1], [])),
        ["loop that carries an accelerator's memory"] = plan => With(Computed(plan), 3, new LoopStep("l", "Loop", 1, 2, [new(5, 5, 5)], [])),
        ["routine in an accelerator's memory"] = plan => With(plan, 3, new RoutineStep("r", "CheckIndices", "CheckIndices", [new(5, ElementType.Int64, [1])], [], [], 0)),
        ["preparation on an accelerator"] = plan => plan with { Preparation = [((KernelStep)plan.Steps[3]) with { Device = 1, Buffers = [4], Dims = [1] }] },
    };

    private static IEnumerable<string> Names => Damages.Keys;

    private static IEnumerable<string> NamesOfHetero => DamagesOfHetero.Keys;

    private static IEnumerable<string> NamesOfPreparation => DamagesOfPreparation.Keys;

    [TestCaseSource(nameof(NamesOfPreparation))]
    public void Write_ContradictoryPreparation_IsLathe0503(string damage)
    {
        Assert.That(() => PlanFormat.Write(PlanBuilder.Prepared()), Throws.Nothing);
        Assert.That(() => PlanFormat.Write(DamagesOfPreparation[damage](PlanBuilder.Prepared())), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0503"));
    }

    [TestCaseSource(nameof(Names))]
    public void Write_ContradictoryPlan_IsLathe0503(string damage)
    {
        Plan sound = PlanBuilder.ScaleAdd();
        Assert.That(() => PlanFormat.Write(sound), Throws.Nothing);
        Assert.That(() => PlanFormat.Write(Damages[damage](sound)), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0503"));
    }

    [TestCaseSource(nameof(NamesOfHetero))]
    public void Write_ContradictoryPlanOfSeveralDevices_IsLathe0503(string damage)
    {
        Assert.That(() => PlanFormat.Write(PlanBuilder.Hetero()), Throws.Nothing);
        Assert.That(() => PlanFormat.Write(Computed(PlanBuilder.Hetero())), Throws.Nothing);
        Assert.That(() => PlanFormat.Write(DamagesOfHetero[damage](PlanBuilder.Hetero())), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0503"));
    }

    private static Plan With(Plan plan, int number, PlanStep step) => plan with { Steps = [.. plan.Steps.Take(number), step, .. plan.Steps.Skip(number + 1)] };

    private static TransferStep Transfer(Plan plan, int number) => (TransferStep)plan.Steps[number];

    /// <summary>The plan with a dim, number 1, that data determine.</summary>
    private static Plan Computed(Plan plan) => plan with { Symbols = [.. plan.Symbols, new("found", 0, 1000, 0, IsComputed: true)] };

    private static KernelStep Kernel(Plan plan) => (KernelStep)plan.Steps[0];
}
