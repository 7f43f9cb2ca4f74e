using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>y = f(x) along one axis, row by row.</summary>
public abstract record SoftmaxOperator(long Axis) : Op
{
    /// <inheritdoc/>
    public sealed override OpRole Role => OpRole.Rows;

    /// <inheritdoc/>
    public sealed override void Infer(InferContext context)
    {
        TensorType x = context.Float(0);
        context.Axis(Axis, x.Rank);
        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public sealed override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        int axis = AxisOf(x.Dims.Length);
        long length = x.Dims[axis], stride = RowMajor.Strides(x.Dims)[axis];
        double[] all = x.ToDoubles(), row = new double[length];
        for (int first = 0; first < all.Length; first++)
        {
            if (first / stride % length != 0) continue;
            for (long i = 0; i < length; i++) row[i] = all[first + (i * stride)];
            Apply(row);
            for (long i = 0; i < length; i++) all[first + (i * stride)] = row[i];
        }

        return [Elements.FromDoubles(outputs[0], all)];
    }

    /// <summary>f on a row, in place.</summary>
    protected abstract void Apply(double[] row);

    /// <summary>The axis counted from the start.</summary>
    protected int AxisOf(int rank) => (int)(Axis < 0 ? Axis + rank : Axis);

    /// <summary>
    /// Imports one of these operators. Up to opset 12 a row is what lies behind the axis, which is 1 by default, flattened; from opset 13 on it lies
    /// along the axis, by default the last.
    /// </summary>
    private protected static IReadOnlyList<Value> ImportRows(OnnxNode node, GraphBuilder builder, Func<long, Op> along)
    {
        Value x = node.Inputs[0];
        if (node.Opset >= 13) return [builder.Add(along(AttributeReader.Get(node, "axis", -1L)), x)];
        int axis = node.Axis(AttributeReader.Get(node, "axis", 1L), x.Type.Rank);
        // With a single dim behind the axis that is not 1 there is nothing to flatten.
        int[] wide = [.. Enumerable.Range(axis, x.Type.Rank - axis).Where(i => x.Type.Dims[i] != IndexExpr.One)];
        if (wide.Length <= 1) return [builder.Add(along(wide.Length == 0 ? axis : wide[0]), x)];
        Value rows = builder.Add(along(1), builder.Add(new Flatten(axis), x));
        return [builder.Add(new Reshape(x.Type.Dims), rows)];
    }

    /// <summary>The axes of a pass that gives one value per row: those of the output without the row's.</summary>
    private protected EquatableArray<Axis> RowAxes(LowerContext context) =>
        context.Axes.Where((_, i) => i != AxisOf(context.Axes.Length)).ToEquatableArray();

    /// <summary>The index of the output without the row's axis.</summary>
    private protected IndexExpr[] RowIndex(LowerContext context) => [.. context.Index.Where((_, i) => i != AxisOf(context.Index.Length))];

    /// <summary>An element of the row that the output's index lies in.</summary>
    private protected Expr ReadRow(LowerContext context, IndexExpr at)
    {
        IndexExpr[] index = [.. context.Index];
        index[AxisOf(index.Length)] = at;
        return context.Read(0, index).Widen();
    }
}
