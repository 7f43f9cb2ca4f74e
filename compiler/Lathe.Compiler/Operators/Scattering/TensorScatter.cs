using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Scattering;

/// <summary>
/// A cache of sequences, in which each sequence of a batch takes an update from an index on (input 2; from the start without it). In mode circular what
/// would reach beyond the end goes on at the start; in mode linear that is an error.
/// </summary>
public sealed record TensorScatter(long Axis = -2, string Mode = "linear") : Op, IOp<TensorScatter>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("TensorScatter", 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType cache = context.Type(0), update = context.Type(1);
        context.Require(Mode is "linear" or "circular", $"mode '{Mode}' is unknown");
        context.Require(cache.Element != ElementType.String, "it does not take strings");
        context.RequireSameElement(0, 1);
        int axis = context.Axis(Axis, cache.Rank);
        context.Require(axis > 0 && update.Rank == cache.Rank, $"update {update} does not fit cache {cache} along axis {axis}");
        for (int i = 0; i < cache.Rank; i++)
        {
            (long min, long max) = ((cache.Dims[i] - update.Dims[i]).Range.Min, (cache.Dims[i] - update.Dims[i]).Range.Max);
            context.Require(max >= 0 && (i == axis || min <= 0), $"update {update} does not fit cache {cache}");
        }

        if (context.Has(2))
        {
            TensorType indices = context.Integer(2);
            context.Require(indices.Rank == 1 && (indices.Dims[0] - cache.Dims[0]).Range is { Min: <= 0, Max: >= 0 }, $"there is not one index for each of {cache}");
        }

        context.Output(cache with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData cache = inputs[0]!, update = inputs[1]!, y = TensorData.FromBytes(cache.Element, cache.Dims, [.. cache.Bytes]);
        int axis = AxisOf(cache.Dims.Length), next = 0;
        long length = cache.Dims[axis];
        foreach (long[] index in RowMajor.Indices(update.Dims))
        {
            long[] to = [.. index];
            long begin = inputs.Count > 2 && inputs[2] is { } indices ? indices.GetInt64((int)index[0]) : 0;
            if (begin < 0 || begin > (Mode == "linear" ? length - update.Dims[axis] : length - 1)) throw new ArgumentException($"Index {begin} is outside the cache.");
            to[axis] = (begin + index[axis]) % length;
            Elements.CopyElement(update, next++, y, (int)RowMajor.Offset(cache.Dims, to));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) =>
        new(nameof(TensorScatter), [inputs.Count, AxisOf(inputs[0]!.Rank), Mode == "circular" ? 1 : 0]);

    private int AxisOf(int rank) => (int)(Axis < 0 ? Axis + rank : Axis);
}
