using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>Blocks of channels become blocks of pixels. The channel is (dy, dx, c) in mode DCR and (c, dy, dx) in mode CRD.</summary>
public sealed record DepthToSpace(long Blocksize, string Mode = "DCR") : Op, IOp<DepthToSpace>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("DepthToSpace", 1, 1);

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
        context.Require(Mode is "DCR" or "CRD", $"mode '{Mode}' is unknown");
        context.Require(x.Dims[1] % (Blocksize * Blocksize) == IndexExpr.Zero, $"{x.Dims[1]} channels do not divide into blocks of {Blocksize}²");
        context.Output(x.Element, x.Dims[0], x.Dims[1] / (Blocksize * Blocksize), x.Dims[2] * Blocksize, x.Dims[3] * Blocksize);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        long[] from = inputs[0]!.Dims, to = outputs[0].StaticDims;
        long b = Blocksize, channels = to[1];
        return [Elements.Rearrange(inputs[0]!, to, index =>
        {
            (long c, long y, long x) = (index[1], index[2], index[3]);
            long within = (y % b * b) + (x % b);
            return RowMajor.Offset(from, [index[0], Mode == "DCR" ? (within * channels) + c : (c * b * b) + within, y / b, x / b]);
        })];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        IndexExpr c = context.Index[1], y = context.Index[2], x = context.Index[3];
        IndexExpr within = (y % Blocksize * Blocksize) + (x % Blocksize);
        IndexExpr channel = Mode == "DCR" ? (within * context.Output.Dims[1]) + c : (c * (Blocksize * Blocksize)) + within;
        return context.Map(context.Read(0, context.Index[0], channel, y / Blocksize, x / Blocksize));
    }
}
