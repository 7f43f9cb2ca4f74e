using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// The input with its first lengths[b] elements along the time axis in reverse, for each b of the batch axis. A length outside the time axis is brought
/// to its nearest end.
/// </summary>
public sealed record ReverseSequence(long BatchAxis = 1, long TimeAxis = 0) : Op, IOp<ReverseSequence>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ReverseSequence", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override bool ReadsAtData(int input) => input == 0;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), lengths = context.Integer(1);
        context.Require(
            (BatchAxis, TimeAxis) is (0, 1) or (1, 0) && x.Rank >= 2, $"batch axis {BatchAxis} and time axis {TimeAxis} are not the first two of {x}");
        context.Require(lengths.Dims is [var only] && only == x.Dims[(int)BatchAxis], $"the lengths are {lengths}, not a vector of {x.Dims[(int)BatchAxis]}");
        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, lengths = inputs[1]!;
        return [Elements.Rearrange(x, x.Dims, index =>
        {
            long[] from = [.. index];
            long time = index[TimeAxis], length = Math.Clamp(lengths.GetInt64((int)index[BatchAxis]), 0, x.Dims[TimeAxis]);
            if (time < length) from[TimeAxis] = length - 1 - time;
            return RowMajor.Offset(x.Dims, from);
        })];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Expr[] index = [.. context.Index.Select(i => i.ToExpr(ElementType.Int64))];
        Expr time = index[TimeAxis], all = context.Inputs[0]!.Dims[(int)TimeAxis].ToExpr(ElementType.Int64);
        Expr length = all.Min(context.Read(1, context.Index[(int)BatchAxis]).To(ElementType.Int64));
        index[TimeAxis] = (time < length).Choose(length - 1 - time, time);
        return context.Map(context.ReadAt(0, index));
    }
}
