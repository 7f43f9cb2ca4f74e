using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Selection;

/// <summary>
/// The different elements of a tensor, or the different slices along an axis: packed at the start of a tensor with room for all, with the index of the first
/// of each kind, for each of all the place of its kind, how many are of each kind, and the number of kinds. 0 and -0 are the same, as are all NaNs.
/// </summary>
public sealed record Unique(long? Axis = null, bool Sorted = true) : Op, IOp<Unique>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Unique", 1, 1, 4);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    /// <remarks>ONNX gives tensors as long as there are kinds.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        Unique unique = AttributeReader.Read<Unique>(node);
        Node found = builder.AddNode(unique, x);
        Value number = Measure.Of(builder, found[4], 0, RuntimeShapes.Max);
        IndexExpr n = number.Contents!.Value[0];
        IndexExpr[] dims = [n];
        if (unique.Axis is { } axis)
        {
            dims = [.. x.Type.Dims];
            dims[node.Axis(axis, x.Type.Rank)] = n;
        }

        View each = new((IndexExpr[])[n]);
        return [builder.Add(new View(dims), found[0], number), builder.Add(each, found[1], number), found[2], builder.Add(each, found[3], number)];
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(x.Element != ElementType.String, "it does not take strings");
        IndexExpr length = Axis is { } axis ? x.Dims[context.Axis(axis, x.Rank)] : x.Count;
        context.Output(x with { Layout = null });
        for (int i = 0; i < 3; i++) context.Output(ElementType.Int64, length);
        context.Output(ElementType.Int64);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        long[] dims = Axis is null ? [x.Count] : x.Dims;
        int axis = AxisOf(dims.Length), length = (int)dims[axis];
        long[][] within = [.. RowMajor.Indices([.. dims.Select((d, i) => i == axis ? 1 : d)]).Select(index => index.ToArray())];
        IEnumerable<int> slices = Enumerable.Range(0, length);
        List<List<int>> kinds = [];
        foreach (int slice in slices)
        {
            if (kinds.Find(kind => Compare(kind[0], slice) == 0) is { } known) known.Add(slice);
            else kinds.Add([slice]);
        }

        if (Sorted) kinds.Sort((a, b) => Compare(a[0], b[0]));
        TensorData[] results = [.. outputs.Select(o => TensorData.Zeros(o.Element, o.StaticDims))];
        long[] packed = [.. dims.Select((d, i) => i == axis ? kinds.Count : d)];
        for (int kind = 0; kind < kinds.Count; kind++)
        {
            foreach (long[] index in within) Elements.CopyElement(x, (int)At(dims, index, kinds[kind][0]), results[0], (int)At(packed, index, kind));
            results[1].SetInt64(kind, kinds[kind][0]);
            foreach (int slice in kinds[kind]) results[2].SetInt64(slice, kind);
            results[3].SetInt64(kind, kinds[kind].Count);
        }

        results[4].SetInt64(0, kinds.Count);
        return results;

        int Compare(int a, int b) => within.Select(index => ElementOrder.Compare(x, At(dims, index, a), At(dims, index, b))).FirstOrDefault(c => c != 0);

        long At(long[] shape, long[] index, int slice)
        {
            long[] place = [.. index];
            place[axis] = slice;
            return RowMajor.Offset(shape, place);
        }
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) => new(
        nameof(Unique), [Axis is null ? -1 : AxisOf(inputs[0]!.Rank), Sorted ? 1 : 0], ScratchBytes: (8 * inputs[0]!.Count) + (24 * outputs[1].Count));

    private int AxisOf(int rank) => (int)(Axis is not { } axis ? 0 : axis < 0 ? axis + rank : axis);
}
