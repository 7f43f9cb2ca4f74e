using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Scattering;

/// <summary>
/// The input, in which each update takes the place of, or is combined with, the element at the update's own index with the one along an axis replaced by
/// indices[i…]. Updates come in row-major order.
/// </summary>
public sealed record ScatterElements(long Axis = 0, string Reduction = "none") : Op, IOp<ScatterElements>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ScatterElements", 3, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), indices = context.Integer(1), updates = context.Type(2);
        ScatterReduction.Check(context, Reduction, x.Element);
        context.RequireSameElement(0, 2);
        int axis = context.Axis(Axis, x.Rank);
        context.Require(indices.Rank == x.Rank && updates.Rank == x.Rank, $"indices {indices} and updates {updates} do not have the rank of {x}");
        for (int i = 0; i < x.Rank; i++)
        {
            context.Require((indices.Dims[i] - updates.Dims[i]).Range is { Min: <= 0, Max: >= 0 }, $"updates {updates} are not as many as indices {indices}");
            context.Require(i == axis || (indices.Dims[i] - x.Dims[i]).Range.Min <= 0, $"indices {indices} reach beyond axis {i} of {x}");
        }

        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, indices = inputs[1]!, updates = inputs[2]!, y = TensorData.FromBytes(x.Element, x.Dims, [.. x.Bytes]);
        int axis = AxisOf(x.Dims.Length), next = 0;
        foreach (long[] index in RowMajor.Indices(updates.Dims))
        {
            long[] to = [.. index];
            to[axis] = ScatterReduction.Place(indices.GetInt64(next), x.Dims[axis]);
            ScatterReduction.Apply(Reduction, updates, next++, y, (int)RowMajor.Offset(x.Dims, to));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) =>
        new(nameof(ScatterElements), [AxisOf(inputs[0]!.Rank), ScatterReduction.Number(Reduction)]);

    private int AxisOf(int rank) => (int)(Axis < 0 ? Axis + rank : Axis);
}
