using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// x with a border around its last axes, of elements that are given: what a convolution reads at its borders once an offset of its input is folded into its
/// weights. Inputs are x and the values, which are broadcast to the result.
/// </summary>
/// <param name="PadLow">The border before each of the last axes.</param>
/// <param name="PadHigh">The border after each of the last axes.</param>
public sealed record Border(EquatableArray<long> PadLow, EquatableArray<long> PadHigh) : Op, IOp<Border>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override bool IsBorder => true;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(x.Rank >= PadLow.Length && PadHigh.Length == PadLow.Length, "the border does not fit the input's rank");
        context.RequireSameElement(0, 1);
        EquatableArray<IndexExpr> dims = [.. x.Dims.Items.Select((d, axis) => d + Low(axis, x.Rank) + High(axis, x.Rank))];
        context.Require(context.Broadcast(dims, context.Type(1).Dims).SequenceEqual(dims), "the values are more than the border");
        context.Output(new TensorType(x.Element, dims));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, values = inputs[1]!, y = TensorData.Zeros(x.Element, outputs[0].StaticDims);
        int[] outside = RowMajor.Broadcast(values.Dims, y.Dims);
        int next = 0;
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            long[] at = [.. index.Select((i, axis) => i - Low(axis, x.Dims.Length))];
            bool inside = at.Select((i, axis) => i >= 0 && i < x.Dims[axis]).All(b => b);
            y.SetDouble(next, inside ? x.GetDouble((int)RowMajor.Offset(x.Dims, at)) : values.GetDouble(outside[next]));
            next++;
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => context.Map(context.ReadPadded(
        0, context.ReadBroadcast(1), [.. context.Index.Select((i, axis) => i - Low(axis, context.Index.Length))]));

    private long Low(int axis, int rank) => Of(PadLow, axis, rank);

    private long High(int axis, int rank) => Of(PadHigh, axis, rank);

    private static long Of(EquatableArray<long> pads, int axis, int rank) => axis < rank - pads.Length ? 0 : pads[axis - rank + pads.Length];
}
