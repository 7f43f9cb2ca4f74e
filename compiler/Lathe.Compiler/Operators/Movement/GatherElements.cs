using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>y[i…] = x[i…] with the index along one axis replaced by indices[i…]. Indices count as in <see cref="Gather"/>.</summary>
public sealed record GatherElements(long Axis = 0) : Op, IOp<GatherElements>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("GatherElements", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        GatherElements gather = AttributeReader.Read<GatherElements>(node);
        return [builder.Add(gather, x, CheckIndices.Of(node, builder, node.Inputs[1], x, node.Axis(gather.Axis, x.Type.Rank)))];
    }

    /// <inheritdoc/>
    public override bool ReadsAtData(int input) => input == 0;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), indices = context.Integer(1);
        int axis = context.Axis(Axis, x.Rank);
        context.Require(indices.Rank == x.Rank, $"indices {indices} do not have the rank of {x}");
        context.Require(x.Dims[axis].Range.Max > 0 || indices.Count == IndexExpr.Zero, $"axis {axis} of {x} has nothing to choose from");
        for (int i = 0; i < x.Rank; i++)
            context.Require(i == axis || (indices.Dims[i] - x.Dims[i]).Range.Max <= 0, $"indices {indices} reach beyond axis {i} of {x}");
        context.Output(new TensorType(x.Element, indices.Dims));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, indices = inputs[1]!;
        int axis = (int)(Axis < 0 ? Axis + x.Dims.Length : Axis);
        return [Elements.Rearrange(x, indices.Dims, index =>
        {
            long[] from = [.. index];
            from[axis] = Gather.Place(indices.GetInt64((int)RowMajor.Offset(indices.Dims, index)), x.Dims[axis]);
            return RowMajor.Offset(x.Dims, from);
        })];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        Expr[] index = [.. context.Index.Select(i => i.ToExpr(ElementType.Int64))];
        int axis = (int)(Axis < 0 ? Axis + x.Rank : Axis);
        index[axis] = Gather.Place(context.Read(1, context.Index), x.Dims[axis]);
        return context.Map(context.ReadAt(0, index));
    }
}
