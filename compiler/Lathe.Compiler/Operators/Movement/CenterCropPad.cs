using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// The input cut to its middle along each axis where <paramref name="Dims"/> are shorter, and in the middle of zeros where they are longer; of an odd rest
/// the greater half lies behind.
/// </summary>
public sealed record CenterCropPad(EquatableArray<IndexExpr> Dims) : Op, IOp<CenterCropPad>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("CenterCropPad", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    /// <remarks>The shape is an input, and may be that of some axes only.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        EquatableArray<IndexExpr> shape = OnnxInputs.Known(node, 1, "its shape");
        long[] all = [.. Enumerable.Range(0, x.Type.Rank).Select(a => (long)a)];
        int[] axes = [.. AttributeReader.Get(node, "axes", all).Select(a => node.Axis(a, x.Type.Rank))];
        if (axes.Length != shape.Length || axes.Distinct().Count() != axes.Length) throw node.Bad($"{shape.Length} dims do not fit axes {string.Join(", ", axes)}");
        IndexExpr[] dims = [.. x.Type.Dims];
        for (int i = 0; i < axes.Length; i++) dims[axes[i]] = shape[i];
        return [builder.Add(new CenterCropPad(dims), x)];
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => new CenterCropPad(Dims.Select(d => d.Substitute(replacement)).ToEquatableArray());

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(Dims.Length == x.Rank, $"{Dims.Length} dims do not fit {x}");
        context.Require(Dims.All(d => d.Range.Min >= 0), $"its dims are {Dims}");
        context.Output(new TensorType(x.Element, Dims));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        long[] dims = outputs[0].StaticDims, place = new long[dims.Length];
        return [Elements.Rearrange(x, dims, index =>
        {
            for (int i = 0; i < place.Length; i++)
            {
                place[i] = index[i] + Start(x.Dims[i], dims[i]).Value;
                if (place[i] < 0 || place[i] >= x.Dims[i]) return -1;
            }

            return RowMajor.Offset(x.Dims, place);
        })];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        return context.Map(context.ReadPadded(0, Const.OfInteger(x.Element, 0), [.. context.Index.Select((at, i) => at + Start(x.Dims[i], Dims[i]))]));
    }

    /// <summary>The place in the input of the first place in the output.</summary>
    private static IndexExpr Start(IndexExpr from, IndexExpr to) => (IndexExpr.Max(0, from - to) / 2) - (IndexExpr.Max(0, to - from) / 2);
}
