using Lathe.Runtime.Plans;

namespace Lathe.Runtime;

/// <summary>An input or output of a model. Immutable.</summary>
/// <param name="Name">The name in the model.</param>
/// <param name="Type">The type of the elements, which lie row-major and without padding.</param>
/// <param name="Dims">The dims, outermost first; none for a scalar.</param>
public sealed record TensorInfo(string Name, ElementType Type, IReadOnlyList<DimInfo> Dims)
{
    /// <summary>
    /// The dims along which neighbours may lie at a stride of the caller's: the images, rows and planes of an input that has a format. Empty for what is dense.
    /// </summary>
    public IReadOnlyList<int> Strided { get; init; } = [];

    /// <summary>In words, what was compiled in between the application's images and the model: format, mean, scale, resizing. Empty for none.</summary>
    public string Preprocessing { get; init; } = "";

    /// <summary>
    /// The format that <see cref="LatheOptions.InputFormats"/> declared: a pass of the runtime converts the input before each inference. Null where there is none, and for what was compiled in.
    /// </summary>
    public ImageFormat? ConvertedFrom { get; init; }

    /// <summary>The names of an output's classes that were compiled in (<c>--labels</c>), in the order of the axis; empty for none.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    internal static TensorInfo Of(PlanTensor tensor, IReadOnlyList<PlanSymbol> symbols)
    {
        DimInfo[] dims = new DimInfo[tensor.Dims.Count];
        for (int i = 0; i < dims.Length; i++) dims[i] = DimInfo.Of(tensor.Dims[i], symbols);
        return new(tensor.Name, tensor.Type, dims)
        {
            Strided = [.. Enumerable.Range(0, tensor.Strides.Count).Where(dim => tensor.Strides[dim] >= 0)],
            Preprocessing = tensor.Preprocessing,
            Labels = tensor.Labels,
        };
    }

    /// <summary>For example <c>data: float32[N,3,224,224]</c>.</summary>
    public override string ToString() => $"{Name}: {Type.Name()}[{string.Join(',', Dims)}]";
}
