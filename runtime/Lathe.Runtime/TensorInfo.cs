using Lathe.Runtime.Plans;

namespace Lathe.Runtime;

/// <summary>An input or output of a model. Immutable.</summary>
/// <param name="Name">The name in the model.</param>
/// <param name="Type">The type of the elements, which lie row-major and without padding.</param>
/// <param name="Dims">The dims, outermost first; none for a scalar.</param>
public sealed record TensorInfo(string Name, ElementType Type, IReadOnlyList<DimInfo> Dims)
{
    /// <summary>
    /// The dims along which neighbours may lie at a stride of the caller's: the images, rows and planes of an input that was compiled with a format. Empty for what is dense.
    /// </summary>
    public IReadOnlyList<int> Strided { get; init; } = [];

    internal static TensorInfo Of(PlanTensor tensor, IReadOnlyList<PlanSymbol> symbols)
    {
        DimInfo[] dims = new DimInfo[tensor.Dims.Count];
        for (int i = 0; i < dims.Length; i++) dims[i] = DimInfo.Of(tensor.Dims[i], symbols);
        return new(tensor.Name, tensor.Type, dims) { Strided = [.. Enumerable.Range(0, tensor.Strides.Count).Where(dim => tensor.Strides[dim] >= 0)] };
    }

    /// <summary>For example <c>data: float32[N,3,224,224]</c>.</summary>
    public override string ToString() => $"{Name}: {Type.Name()}[{string.Join(',', Dims)}]";
}
