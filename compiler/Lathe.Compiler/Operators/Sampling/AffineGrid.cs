using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Sampling;

/// <summary>
/// y[n, p…, i] = Σ theta[n, i, j] · coordinate j of p + theta[n, i, last]: a grid for <see cref="GridSample"/> over the spatial axes
/// <paramref name="Dims"/>. Coordinate 0 runs along the last axis, from -1 to 1 between the outer edges of its elements, or between their centres if
/// <paramref name="AlignCorners"/>; the only element of an axis is at 0.
/// </summary>
public sealed record AffineGrid(EquatableArray<IndexExpr> Dims, bool AlignCorners = false) : Op, IOp<AffineGrid>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("AffineGrid", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    /// <remarks>The shape is an input: batch, channels and spatial dims.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value theta = node.Inputs[0];
        if (!node.IsKnown(1) && theta.Type.Rank == 3 && Measure.CanBeMeasured(node.Inputs[1]) && node.Inputs[1].Type.Count.Value > 0)
        {
            IndexExpr batch = theta.Type.Dims[0];
            Value measured = Measure.Of(builder, node.Inputs[1], 0, RuntimeShapes.Max, s => [s[0] - batch, batch - s[0]]);
            theta = View.After(builder, theta, measured);
            return [builder.Add(Of(node, [.. measured.Contents!.Value.Skip(2)]), theta)];
        }

        EquatableArray<IndexExpr> size = OnnxInputs.Known(node, 1, "its size");
        if (size.Length < 3 || theta.Type.Rank != 3 || size[0] != theta.Type.Dims[0]) throw node.Bad($"a size of {string.Join(", ", size)} does not fit {theta.Type}");
        return [builder.Add(Of(node, [.. size.Skip(2)]), theta)];
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => this with { Dims = Dims.Select(d => d.Substitute(replacement)).ToEquatableArray() };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType theta = context.Float(0);
        int rank = Dims.Length;
        context.Require(rank is >= 1 and <= 3, $"there are {rank} spatial axes; 1 to 3 are supported");
        context.Require(Dims.All(d => d.Range.Min >= 0), $"its dims are {Dims}");
        context.Require(theta.Rank == 3 && theta.Dims[1] == rank && theta.Dims[2] == rank + 1, $"{theta} are no matrices for {rank} spatial axes");
        context.Output(theta.Element, [theta.Dims[0], .. Dims, rank]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData theta = inputs[0]!, y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        int rank = Dims.Length, next = 0;
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            int row = (int)RowMajor.Offset(theta.Dims, [index[0], index[^1], 0]);
            double sum = theta.GetDouble(row + rank);
            for (int j = 0; j < rank; j++)
            {
                long at = index[rank - j], length = y.Dims[rank - j];
                double coordinate = AlignCorners ? length == 1 ? 0 : (2.0 * at / (length - 1)) - 1 : (((2.0 * at) + 1) / length) - 1;
                sum += theta.GetDouble(row + j) * coordinate;
            }

            y.SetDouble(next++, sum);
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        int rank = Dims.Length;
        Expr sum = Theta(rank);
        for (int j = 0; j < rank; j++)
        {
            IndexExpr at = context.Index[rank - j] * 2, length = context.Output.Dims[rank - j];
            (IndexExpr numerator, IndexExpr denominator) = AlignCorners ? (at - (length - 1), IndexExpr.Max(1, length - 1)) : (at + 1 - length, length);
            sum = Theta(j).MultiplyAdd(numerator.ToExpr(sum.Type.Element) / denominator.ToExpr(sum.Type.Element), sum);
        }

        return context.Map(sum.To(context.Output.Element));

        Expr Theta(int column) => context.Read(0, context.Index[0], context.Index[^1], column).Widen();
    }

    private static AffineGrid Of(OnnxNode node, EquatableArray<IndexExpr> dims) => new(dims, AttributeReader.Get(node, "align_corners", 0L) != 0);
}
