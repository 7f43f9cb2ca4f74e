using Lathe.Runtime.Plans;

namespace Lathe.Runtime;

/// <summary>What a loaded model is and what was chosen when it was loaded. Immutable.</summary>
public sealed class ModelInfo
{
    /// <summary>The model's name.</summary>
    public required string Name { get; init; }

    /// <summary>The instruction set of the kernels; the exceptions are in <see cref="Fallbacks"/>.</summary>
    public required Isa Isa { get; init; }

    /// <summary>What runs the steps: <c>CPU</c>, or the device in words, with its driver; of several devices all, with their names.</summary>
    public required string Device { get; init; }

    /// <summary>The inputs in the model's order.</summary>
    public required IReadOnlyList<TensorInfo> Inputs { get; init; }

    /// <summary>The outputs in the model's order.</summary>
    public required IReadOnlyList<TensorInfo> Outputs { get; init; }

    /// <summary>The named dims that can be given, their ranges, and the values they have in <see cref="CompiledModel.CreateRequest()"/>.</summary>
    public required IReadOnlyList<PlanSymbol> Symbols { get; init; }

    /// <summary>The bytes that a request of the default dims holds for intermediate results, as far as data do not determine them.</summary>
    public required long ArenaBytes { get; init; }

    /// <summary>The bytes of the weights, held once for all requests.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>The bytes of what was computed of the weights when the model was loaded, such as weights of 16 bits as float32; held once for all requests.</summary>
    public long PreparedBytes { get; init; }

    /// <summary>The most threads that one inference uses, the calling thread among them.</summary>
    public required int Threads { get; init; }

    /// <summary>The steps that do not run as they were asked to, and why.</summary>
    public required IReadOnlyList<Fallback> Fallbacks { get; init; }

    /// <summary>What the user should know, one sentence each.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
