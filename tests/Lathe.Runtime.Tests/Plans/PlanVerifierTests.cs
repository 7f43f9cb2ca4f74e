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

    private static IEnumerable<string> Names => Damages.Keys;

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

    private static KernelStep Kernel(Plan plan) => (KernelStep)plan.Steps[0];
}
