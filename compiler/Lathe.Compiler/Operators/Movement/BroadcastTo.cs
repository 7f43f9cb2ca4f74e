using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// The input in a shape of at least its rank, repeated along the axes on which it turns out to be 1 long. Whoever makes it sees to it that on all others it
/// is as long as the shape says.
/// </summary>
/// <param name="Dims">The shape.</param>
public sealed record BroadcastTo(EquatableArray<IndexExpr> Dims) : Op, IOp<BroadcastTo>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => new BroadcastTo(Dims.Select(d => d.Substitute(replacement)).ToEquatableArray());

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(x.Rank <= Dims.Length, $"{x} has more axes than [{string.Join(", ", Dims)}]");
        for (int i = 0; i < x.Rank; i++)
        {
            IndexExpr from = x.Dims[i], to = Dims[Dims.Length - x.Rank + i];
            context.Require(!from.IsConstant || !to.IsConstant || from == IndexExpr.One || from == to, $"{x} does not broadcast to [{string.Join(", ", Dims)}]");
        }

        context.Output(new TensorType(x.Element, Dims));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        long[] dims = outputs[0].StaticDims;
        int[] offsets = RowMajor.Broadcast(inputs[0]!.Dims, dims);
        return [Elements.Rearrange(inputs[0]!, dims, index => offsets[RowMajor.Offset(dims, index)])];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        EquatableArray<IndexExpr> from = context.Inputs[0]!.Dims;
        int added = Dims.Length - from.Length;
        return context.Map(context.Read(0, [.. from.Select((d, i) => d == Dims[added + i] ? context.Index[added + i] : IndexExpr.Min(context.Index[added + i], d - 1))]));
    }
}
