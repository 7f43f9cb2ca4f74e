using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// x[n, c, spatial…] with a border whose value is one per channel: what a convolution reads at its borders once an offset of its input is folded
/// into its weights. Inputs are x and the values [c].
/// </summary>
/// <param name="PadLow">The border before each spatial axis.</param>
/// <param name="PadHigh">The border after each spatial axis.</param>
public sealed record PadChannels(EquatableArray<long> PadLow, EquatableArray<long> PadHigh) : Op, IOp<PadChannels>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(x.Rank == PadLow.Length + 2 && PadHigh.Length == PadLow.Length, "the border does not fit the input's rank");
        context.Require(context.Type(1).Dims is [var values] && values == x.Dims[1], "there is not one value per channel");
        context.Output(x.Element, [x.Dims[0], x.Dims[1], .. x.Dims.Skip(2).Select((d, i) => d + PadLow[i] + PadHigh[i])]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(x.Element, outputs[0].StaticDims);
        int next = 0;
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            long[] at = [.. index.Select((i, axis) => axis < 2 ? i : i - PadLow[axis - 2])];
            bool inside = at.Select((i, axis) => i >= 0 && i < x.Dims[axis]).All(b => b);
            y.SetDouble(next++, inside ? x.GetDouble((int)RowMajor.Offset(x.Dims, at)) : inputs[1]!.GetDouble((int)index[1]));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => context.Map(context.ReadPadded(
        0, context.Read(1, context.Index[1]), [.. context.Index.Select((i, axis) => axis < 2 ? i : i - PadLow[axis - 2])]));
}
