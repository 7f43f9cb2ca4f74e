using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Graph;

/// <summary>
/// The type of a value: elements, shape and layout. A dim is an <see cref="IndexExpr"/> over the graph's named symbols, most often a constant.
/// </summary>
/// <param name="Element">The element type.</param>
/// <param name="Dims">The logical shape, whatever the layout.</param>
/// <param name="Layout">Where elements lie; null means row-major.</param>
public sealed record TensorType(ElementType Element, EquatableArray<IndexExpr> Dims, Layout? Layout = null)
{
    /// <summary>A row-major type of constant dims.</summary>
    public static TensorType Of(ElementType element, params ReadOnlySpan<long> dims)
    {
        IndexExpr[] exprs = new IndexExpr[dims.Length];
        for (int i = 0; i < dims.Length; i++) exprs[i] = dims[i];
        return new TensorType(element, exprs);
    }

    /// <summary>The number of dims.</summary>
    public int Rank => Dims.Length;

    /// <summary>The number of elements.</summary>
    public IndexExpr Count => IndexExpr.Product(Dims);

    /// <summary>True if every dim is a constant.</summary>
    public bool IsStatic => Dims.All(d => d.IsConstant);

    /// <summary>The dims of a static type.</summary>
    /// <exception cref="InvalidOperationException">A dim is no constant.</exception>
    public long[] StaticDims => [.. Dims.Select(d => d.Value)];

    /// <summary>The layout, row-major where none is set.</summary>
    public Layout EffectiveLayout => Layout ?? Kernels.Loops.Layout.RowMajor(Rank);

    /// <summary>Such as <c>float32[N, 3, 224, 224]</c>, with <c>@layout</c> where one is set.</summary>
    public override string ToString() =>
        $"{Element.Name()}[{string.Join(", ", Dims)}]{(Layout is null ? "" : $"@{Layout}")}";
}
