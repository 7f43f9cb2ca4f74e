using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// An image put together from overlapping blocks: x[n, c·K + k, b], element k of block b, is added to y[n, c, b·stride + k·dilation - pad], for any
/// number of spatial axes.
/// </summary>
public sealed record Col2Im(
    EquatableArray<IndexExpr> ImageShape,
    EquatableArray<IndexExpr> BlockShape,
    EquatableArray<long> Dilations = default,
    EquatableArray<long> Pads = default,
    EquatableArray<long> Strides = default) : Op, IOp<Col2Im>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Col2Im", 3, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Reduction;

    /// <inheritdoc/>
    /// <remarks>The shapes are inputs.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        if (x.Type.Rank != 3) throw node.Bad($"the input has rank {x.Type.Rank}, not 3");
        if (node.IsKnown(1) && node.IsKnown(2))
            return [builder.Add(Of(OnnxInputs.Known(node, 1, "its image's shape"), OnnxInputs.Known(node, 2, "its blocks' shape")), x)];
        if (!Measure.CanBeMeasured(node.Inputs[1]) || node.Inputs[1].Type != node.Inputs[2].Type) throw node.Bad($"shapes {node.Inputs[1].Type} and {node.Inputs[2].Type} differ");
        Value both = builder.Add(new Concat(0), node.Inputs[1], node.Inputs[2]);
        int rank = (int)node.Inputs[1].Type.Count.Value;
        Value shapes = Measure.Of(builder, both, 1, RuntimeShapes.Max, s => Of([.. s.Take(rank)], [.. s.Skip(rank)]).Checks(x.Type));
        EquatableArray<IndexExpr> known = shapes.Contents!.Value;
        return [builder.Add(Of([.. known.Take(rank)], [.. known.Skip(rank)]), View.After(builder, x, shapes))];

        Col2Im Of(EquatableArray<IndexExpr> image, EquatableArray<IndexExpr> block) => new(
            image,
            block,
            AttributeReader.Get<long[]>(node, "dilations", []),
            AttributeReader.Get<long[]>(node, "pads", []),
            AttributeReader.Get<long[]>(node, "strides", []));
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        this with { ImageShape = ImageShape.Select(d => d.Substitute(replacement)).ToEquatableArray(), BlockShape = BlockShape.Select(d => d.Substitute(replacement)).ToEquatableArray() };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Numeric(0);
        context.Require(x.Rank == 3, $"the input has rank {x.Rank}, not 3");
        context.Require(ImageShape.Length == BlockShape.Length, $"blocks of {BlockShape} do not fit an image of {ImageShape}");
        context.Require(ImageShape.All(d => d.Range.Min >= 0) && BlockShape.All(k => k.Range.Min > 0), $"shapes {ImageShape} and {BlockShape} are not positive");
        Window.Check(context, ImageShape.Length, "NOTSET", Strides, Dilations, Pads);
        Window window = WindowOf();
        window.RequireFits(context);
        IndexExpr elements = IndexExpr.Product(window.Kernel), blocks = IndexExpr.Product(window.Output);
        // What is not known here is checked where the shapes are measured.
        context.Require(x.Dims[1] % elements is not { IsConstant: true, Value: not 0 }, $"{x.Dims[1]} rows do not make channels of {elements} elements");
        context.Require(x.Dims[2] - blocks is not { IsConstant: true, Value: not 0 }, $"{x} does not have {blocks} blocks");
        context.Output(x.Element, [x.Dims[0], x.Dims[1] / elements, .. ImageShape]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        Window window = WindowOf();
        long[] kernel = [.. BlockShape.Select(d => d.Value)], blocks = [.. window.Output.Select(d => d.Value)], place = new long[y.Dims.Length];
        double[] sums = new double[y.Count];
        long[] wholes = new long[y.Count];
        int next = 0;
        foreach (long[] index in RowMajor.Indices([x.Dims[0], y.Dims[1], .. kernel, .. blocks]))
        {
            bool inside = true;
            (place[0], place[1]) = (index[0], index[1]);
            for (int axis = 0; axis < kernel.Length; axis++)
            {
                long at = (index[2 + kernel.Length + axis] * window.Strides[axis]) + (index[2 + axis] * window.Dilations[axis]) - window.PadLow[axis].Value;
                place[axis + 2] = at;
                inside &= at >= 0 && at < y.Dims[axis + 2];
            }

            if (inside)
            {
                long target = RowMajor.Offset(y.Dims, place);
                if (x.Element.IsFloat()) sums[target] += x.GetDouble(next);
                else wholes[target] = unchecked(wholes[target] + x.GetInt64(next));
            }

            next++;
        }

        for (int i = 0; i < y.Count; i++)
        {
            if (x.Element.IsFloat()) y.SetDouble(i, sums[i]);
            else y.SetInt64(i, wholes[i]);
        }

        return [y];
    }

    /// <inheritdoc/>
    /// <remarks>Every output element gathers the blocks that reach it: those at a whole number of strides.</remarks>
    public override LoweredOp Lower(LowerContext context)
    {
        Window window = WindowOf();
        Axis[] taps = [.. window.Kernel.Select((extent, axis) => context.Reduce($"k{axis}", extent))];
        IndexExpr[] block = new IndexExpr[taps.Length];
        Expr? reached = null;
        for (int axis = 0; axis < taps.Length; axis++)
        {
            long stride = window.Strides[axis];
            // Whole strides are added and taken away: quotients are defined for non-negative operands.
            IndexExpr shift = IndexExpr.CeilDiv((window.Kernel[axis] - 1) * window.Dilations[axis] + IndexExpr.Max(0, -window.PadLow[axis]), stride);
            IndexExpr shifted = context.Index[axis + 2] + window.PadLow[axis] - (taps[axis].Variable * window.Dilations[axis]) + (shift * stride);
            block[axis] = (shifted / stride) - shift;
            Require(LowerContext.Compare(BinaryOp.LessOrEqual, 0, block[axis]) & LowerContext.Compare(BinaryOp.Less, block[axis], window.Output[axis]));
            if (stride > 1) Require(LowerContext.Compare(BinaryOp.Equal, shifted % stride, 0));
        }

        IndexExpr row = (context.Index[1] * IndexExpr.Product(window.Kernel)) + RowMajor.Offset(window.Kernel, [.. taps.Select(t => (IndexExpr)t.Variable)]);
        Expr x = context.Read(0, context.Index[0], row, RowMajor.Offset(window.Output, block)).Widen(), zero = Const.OfInteger(x.Type, 0);
        Accumulator sum = context.Accumulate("sum", x.Type.Element, zero, acc => acc + reached!.Choose(x, zero));
        return context.ReduceOver(KernelFamily.Pool, taps, sum, acc => acc.To(context.Output.Element));

        void Require(Expr condition) => reached = reached is null ? condition : reached & condition;
    }

    private Window WindowOf() => Window.Resolve(ImageShape, BlockShape, "NOTSET", Strides, Dilations, Pads);

    /// <summary>What has to be at least 0 for shapes that data determine.</summary>
    private IEnumerable<IndexExpr> Checks(TensorType x)
    {
        Window window = WindowOf();
        IndexExpr elements = IndexExpr.Product(window.Kernel), blocks = IndexExpr.Product(window.Output);
        IEnumerable<IndexExpr> fits = window.Kernel.Select((k, i) => ImageShape[i] + window.PadLow[i] + window.PadHigh[i] - ((k - 1) * window.Dilations[i]) - 1);
        return [.. fits, (x.Dims[1] / elements * elements) - x.Dims[1], x.Dims[2] - blocks, blocks - x.Dims[2]];
    }
}
