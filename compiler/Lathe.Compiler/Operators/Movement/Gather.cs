using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// y[a…, i…, b…] = x[a…, indices[i…], b…]: slices along an axis, chosen by indices that count from the end where negative. <see cref="CheckIndices"/>
/// refuses an index outside the axis; should it change afterwards, it is brought to the nearest end, so that it never reads other memory.
/// </summary>
public sealed record Gather(long Axis = 0) : Op, IOp<Gather>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Gather", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    /// <remarks>Known indices in steps, of which a single one is the commonest, are a slice: that needs no indices at run time.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0], indices = node.Inputs[1];
        Gather gather = AttributeReader.Read<Gather>(node);
        int axis = node.Axis(gather.Axis, x.Type.Rank);
        Value inside = CheckIndices.Of(node, builder, indices, x, axis);
        if (KnownContents.Constants(indices.Contents) is not { Length: > 0 } known || !x.Type.Dims[axis].IsConstant) return [builder.Add(gather, x, inside)];

        long dim = x.Type.Dims[axis].Value;
        long[] places = [.. known.Select(i => i < 0 ? i + dim : i)];
        long step = places.Length > 1 ? places[1] - places[0] : 1;
        if (step == 0 || places.Where((p, i) => p != places[0] + (i * step)).Any()) return [builder.Add(gather, x, inside)];

        Value slice = builder.Add(Slice.Run(axis, places[0], places.Length, step), x);
        IndexExpr[] dims = [.. x.Type.Dims.Take(axis), .. indices.Type.Dims, .. x.Type.Dims.Skip(axis + 1)];
        return [slice.Type.Dims.SequenceEqual(dims) ? slice : builder.Add(new Reshape(dims), slice)];
    }

    /// <inheritdoc/>
    public override bool ReadsAtData(int input) => input == 0;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), indices = context.Integer(1);
        int axis = context.Axis(Axis, x.Rank);
        context.Require(x.Dims[axis].Range.Max > 0 || indices.Count == IndexExpr.Zero, $"axis {axis} of {x} has nothing to choose from");
        TensorType y = new(x.Element, [.. x.Dims.Take(axis), .. indices.Dims, .. x.Dims.Skip(axis + 1)]);
        context.Output(y, Known(context, y));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, indices = inputs[1]!;
        return [Elements.Rearrange(x, outputs[0].StaticDims, Source(x.Dims, indices.Dims, indices.ToInt64s()))];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!, indices = context.Inputs[1]!;
        int axis = AxisOf(x.Rank);
        Expr place = Place(context.Read(1, [.. context.Index.Skip(axis).Take(indices.Rank)]), x.Dims[axis]);
        IEnumerable<IndexExpr> before = context.Index.Take(axis), after = context.Index.Skip(axis + indices.Rank);
        return context.Map(context.ReadAt(
            0, [.. before.Select(i => i.ToExpr(ElementType.Int64)), place, .. after.Select(i => i.ToExpr(ElementType.Int64))]));
    }

    /// <summary>An index from data as a place inside an axis.</summary>
    internal static Expr Place(Expr index, IndexExpr dim)
    {
        Expr at = index.To(ElementType.Int64), length = dim.ToExpr(ElementType.Int64);
        Expr place = index.Type.Element.IsUnsigned() ? at : (at < 0).Choose(at + length, at);
        return Const.OfInteger(ElementType.Int64, 0).Max((length - 1).Min(place));
    }

    /// <summary>An index from data as a place inside an axis.</summary>
    internal static long Place(long index, long dim) => Math.Clamp(index < 0 ? index + dim : index, 0, Math.Max(0, dim - 1));

    private int AxisOf(int rank) => (int)(Axis < 0 ? Axis + rank : Axis);

    private EquatableArray<IndexExpr>? Known(InferContext context, TensorType y)
    {
        if (context.Content(0) is null || KnownContents.Constants(context.Content(1)) is not { } indices) return null;
        return KnownContents.Rearrange(context.Content(0), y.Dims, Source(context.Type(0).StaticDims, context.Type(1).StaticDims, indices));
    }

    private Func<long[], long> Source(long[] dims, long[] indexDims, long[] indices)
    {
        int axis = AxisOf(dims.Length);
        return index =>
        {
            long at = indices[RowMajor.Offset(indexDims, index.AsSpan(axis, indexDims.Length))];
            return RowMajor.Offset(dims, [.. index.Take(axis), Place(at, dims[axis]), .. index.Skip(axis + indexDims.Length)]);
        };
    }
}
