using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>Blocks of pixels become blocks of channels: the channel is (dy, dx, c).</summary>
public sealed record SpaceToDepth(long Blocksize) : Op, IOp<SpaceToDepth>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("SpaceToDepth", 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override bool MovesFar => true;

    /// <inheritdoc/>
    public override bool PartsNeighbours => Blocksize > 1;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(x.Rank == 4, $"the input is {x}, of rank {x.Rank} and not 4");
        context.Require(Blocksize is > 0 and <= 1 << 15, $"blocksize is {Blocksize}");
        for (int axis = 2; axis < 4; axis++)
            context.Require(x.Dims[axis] % Blocksize == IndexExpr.Zero, $"axis {axis} of {x} does not divide into blocks of {Blocksize}");
        context.Output(x.Element, x.Dims[0], x.Dims[1] * (Blocksize * Blocksize), x.Dims[2] / Blocksize, x.Dims[3] / Blocksize);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        long[] from = inputs[0]!.Dims;
        long b = Blocksize;
        return [Elements.Rearrange(inputs[0]!, outputs[0].StaticDims, index =>
        {
            long block = index[1] / from[1], c = index[1] % from[1];
            return RowMajor.Offset(from, [index[0], c, (index[2] * b) + (block / b), (index[3] * b) + (block % b)]);
        })];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        IndexExpr channels = context.Inputs[0]!.Dims[1], block = context.Index[1] / channels;
        return context.Map(context.Read(
            0,
            context.Index[0],
            context.Index[1] % channels,
            (context.Index[2] * Blocksize) + (block / Blocksize),
            (context.Index[3] * Blocksize) + (block % Blocksize)));
    }
}
