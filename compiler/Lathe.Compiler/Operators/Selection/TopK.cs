using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Selection;

/// <summary>
/// The greatest or least <paramref name="K"/> elements along an axis and their indices, best first; of equal ones the one with the lower index. A NaN counts
/// as the greatest.
/// </summary>
public sealed record TopK(IndexExpr K, long Axis = -1, bool Largest = true) : Op, IOp<TopK>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("TopK", 1, 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    /// <remarks>Up to opset 9 k is an attribute, then an input. Elements that need not be sorted are so all the same: ONNX leaves their order open.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        IndexExpr k = node.Opset < 10
            ? AttributeReader.Get(node, "k", -1L)
            : OnnxInputs.Known(node, 1, "k") is [var only] ? only : throw node.Bad("k is no scalar");
        TopK op = new(k, AttributeReader.Get(node, "axis", -1L), AttributeReader.Get(node, "largest", 1L) != 0);
        return AttributeReader.Results(builder.AddNode(op, node.Inputs[0]));
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => this with { K = K.Substitute(replacement) };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Numeric(0);
        int axis = context.Axis(Axis, x.Rank);
        context.Require(K.Range.Max >= 0 && (x.Dims[axis] - K).Range.Max >= 0, $"it wants {K} elements along axis {axis} of {x}");
        IndexExpr[] dims = [.. x.Dims];
        dims[axis] = K;
        context.Output(x.Element, dims);
        context.Output(ElementType.Int64, dims);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        int axis = AxisOf(x.Dims.Length);
        long[] dims = outputs[0].StaticDims, strides = RowMajor.Strides(x.Dims);
        if (dims[axis] > x.Dims[axis]) throw new ArgumentException($"There are {x.Dims[axis]} elements, not {dims[axis]}.");
        TensorData values = TensorData.Zeros(x.Element, dims), indices = TensorData.Zeros(ElementType.Int64, dims);
        int to = 0;
        foreach (long[] index in RowMajor.Indices(dims))
        {
            long[] start = [.. index];
            start[axis] = 0;
            long row = RowMajor.Offset(x.Dims, start);
            Comparer<long> order = Comparer<long>.Create((a, b) => ElementOrder.Compare(x, row + (a * strides[axis]), row + (b * strides[axis])));
            IEnumerable<long> all = Enumerable.Range(0, (int)x.Dims[axis]).Select(i => (long)i);
            // LINQ sorts stably, so equal elements keep the order of their indices either way.
            long chosen = (Largest ? all.OrderDescending(order) : all.Order(order)).ElementAt((int)index[axis]);
            Elements.CopyElement(x, (int)(row + (chosen * strides[axis])), values, to);
            indices.SetInt64(to++, chosen);
        }

        return [values, indices];
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) =>
        new(nameof(TopK), [AxisOf(inputs[0]!.Rank), Largest ? 1 : 0], ScratchBytes: 16 * K);

    private int AxisOf(int rank) => (int)(Axis < 0 ? Axis + rank : Axis);
}
