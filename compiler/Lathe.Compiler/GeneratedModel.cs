using Lathe.Compiler.Graph;
using Lathe.Compiler.Lowering;
using Lathe.Kernels.Llvm;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler;

/// <summary>A model of which kernels, plan and weights are made, but no assembly yet.</summary>
public sealed class GeneratedModel
{
    internal GeneratedModel(
        string moduleName,
        Graph.Graph graph,
        PlannedModel planned,
        Plan plan,
        string? weightsFile,
        IReadOnlyDictionary<string, string> sources,
        IReadOnlyDictionary<string, byte[]> resources,
        IReadOnlyList<GraphPort> inputs)
    {
        ModuleName = moduleName;
        Graph = graph;
        Planned = planned;
        Plan = plan;
        WeightsFile = weightsFile;
        Sources = sources;
        Resources = resources;
        Inputs = inputs;
    }

    /// <summary>The full name of the class through which the runtime reaches the model.</summary>
    public string ModuleName { get; }

    /// <summary>The source by file name.</summary>
    public IReadOnlyDictionary<string, string> Sources { get; }

    /// <summary>The source that a device's driver compiles, by file name; it is also in <see cref="Resources"/>.</summary>
    public IReadOnlyDictionary<string, string> DeviceSources { get; init; } = new Dictionary<string, string>();

    /// <summary>The native code where it is to be a file beside the assembly, otherwise null.</summary>
    internal LinkedImage? Linked { get; init; }

    /// <summary>The graph whose inputs and outputs the model has, in ONNX's operators.</summary>
    internal Graph.Graph Graph { get; }

    internal PlannedModel Planned { get; }

    internal Plan Plan { get; }

    /// <summary>The inputs as the application has them.</summary>
    internal IReadOnlyList<GraphPort> Inputs { get; }

    /// <summary>The name of the file that the weights go to; null where they are among the resources.</summary>
    internal string? WeightsFile { get; }

    internal IReadOnlyDictionary<string, byte[]> Resources { get; }
}
