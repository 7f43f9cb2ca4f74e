using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Scattering;

/// <summary>
/// The input, in which each slice of updates takes the place of, or is combined with, the slice at a row of indices: one index for each of the first axes.
/// Updates come in row-major order.
/// </summary>
public sealed record ScatterND(string Reduction = "none") : Op, IOp<ScatterND>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ScatterND", 3, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), indices = context.Integer(1), updates = context.Type(2);
        ScatterReduction.Check(context, Reduction, x.Element);
        context.RequireSameElement(0, 2);
        context.Require(x.Rank > 0 && indices.Rank > 0, $"{x} has no place for indices {indices}");
        IndexExpr width = indices.Dims[^1];
        context.Require(width.IsConstant && width.Value >= 0 && width.Value <= x.Rank, $"rows of {width} indices do not fit {x}");
        IndexExpr[] dims = [.. indices.Dims.SkipLast(1), .. x.Dims.Skip((int)width.Value)];
        context.Require(dims.Length == updates.Rank, $"updates {updates} do not have the rank {dims.Length}");
        for (int i = 0; i < dims.Length; i++)
            context.Require((dims[i] - updates.Dims[i]).Range is { Min: <= 0, Max: >= 0 }, $"updates {updates} are not [{string.Join(", ", dims.AsEnumerable())}]");
        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, indices = inputs[1]!, updates = inputs[2]!, y = TensorData.FromBytes(x.Element, x.Dims, [.. x.Bytes]);
        int width = (int)indices.Dims[^1], rows = indices.Dims.Length - 1, next = 0;
        foreach (long[] index in RowMajor.Indices(updates.Dims))
        {
            long row = RowMajor.Offset(indices.Dims.AsSpan(..rows), index.AsSpan(..rows));
            long[] to = [.. Enumerable.Range(0, width).Select(i => ScatterReduction.Place(indices.GetInt64((int)((row * width) + i)), x.Dims[i])), .. index[rows..]];
            ScatterReduction.Apply(Reduction, updates, next++, y, (int)RowMajor.Offset(x.Dims, to));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) =>
        new(nameof(ScatterND), [ScatterReduction.Number(Reduction)]);
}
