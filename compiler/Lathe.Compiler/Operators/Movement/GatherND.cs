using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// y[b…, i…, r…] = x[b…, indices[b…, i…, 0], indices[b…, i…, 1], …, r…]: slices at places, for each of which the last axis of the indices holds a
/// coordinate per axis. Indices count as in <see cref="Gather"/>.
/// </summary>
public sealed record GatherND(long BatchDims = 0) : Op, IOp<GatherND>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("GatherND", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0], indices = node.Inputs[1];
        GatherND gather = AttributeReader.Read<GatherND>(node);
        // What does not fit at all is left to the inference of its shape.
        bool fits = indices.Type.Rank > 0 && indices.Type.Dims[^1].IsConstant && gather.BatchDims >= 0 && gather.BatchDims + (double)indices.Type.Dims[^1].Value <= x.Type.Rank;
        return [builder.Add(gather, x, fits ? CheckIndices.Of(node, builder, indices, x, (int)gather.BatchDims, (int)indices.Type.Dims[^1].Value) : indices)];
    }

    /// <inheritdoc/>
    public override bool ReadsAtData(int input) => input == 0;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), indices = context.Integer(1);
        context.Require(indices.Rank >= 1 && indices.Dims[^1].IsConstant, $"indices {indices} have no known number of coordinates");
        context.Require(BatchDims >= 0 && BatchDims < Math.Min(x.Rank, indices.Rank), $"batch_dims is {BatchDims} for {x} and {indices}");
        int batch = (int)BatchDims;
        long coordinates = indices.Dims[^1].Value;
        context.Require(coordinates >= 1 && coordinates <= x.Rank - batch, $"{coordinates} coordinates do not fit {x}");
        for (int i = 0; i < batch; i++) context.Require(x.Dims[i] == indices.Dims[i], $"{x} and {indices} differ in the batch");
        for (int i = batch; i < batch + coordinates; i++)
            context.Require(x.Dims[i].Range.Max > 0 || indices.Count == IndexExpr.Zero, $"axis {i} of {x} has nothing to choose from");
        context.Output(new TensorType(x.Element, [.. indices.Dims.SkipLast(1), .. x.Dims.Skip(batch + (int)coordinates)]));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, indices = inputs[1]!;
        int batch = (int)BatchDims, lead = indices.Dims.Length - 1, coordinates = (int)indices.Dims[^1];
        return [Elements.Rearrange(x, outputs[0].StaticDims, index =>
        {
            long[] from = new long[x.Dims.Length];
            index.AsSpan(0, batch).CopyTo(from);
            long place = RowMajor.Offset(indices.Dims, [.. index.Take(lead), 0]);
            for (int i = 0; i < coordinates; i++) from[batch + i] = Gather.Place(indices.GetInt64((int)place + i), x.Dims[batch + i]);
            index.AsSpan(lead).CopyTo(from.AsSpan(batch + coordinates));
            return RowMajor.Offset(x.Dims, from);
        })];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!, indices = context.Inputs[1]!;
        int batch = (int)BatchDims, lead = indices.Rank - 1, coordinates = (int)indices.Dims[^1].Value;
        IEnumerable<Expr> places = Enumerable.Range(0, coordinates)
            .Select(i => Gather.Place(context.Read(1, [.. context.Index.Take(lead), i]), x.Dims[batch + i]));
        return context.Map(context.ReadAt(0, [.. At(context.Index.Take(batch)), .. places, .. At(context.Index.Skip(lead))]));

        static IEnumerable<Expr> At(IEnumerable<IndexExpr> index) => index.Select(i => i.ToExpr(ElementType.Int64));
    }
}
