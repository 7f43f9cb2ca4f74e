using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>e^(x - max) / Σ e^(x - max) along an axis.</summary>
public sealed record Softmax(long Axis = -1) : SoftmaxOperator(Axis), IOp<Softmax>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Softmax", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) => ImportRows(node, builder, axis => new Softmax(axis));

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        EquatableArray<Axis> rows = RowAxes(context);
        IndexExpr length = context.Axes[AxisOf(context.Axes.Length)].Extent;
        ElementType element = context.Output.Element.Arithmetic();
        Axis k = context.Reduce("k", length), l = context.Reduce("l", length);

        Accumulator max = context.Accumulate("max", element, Elements.Lowest(element), acc => acc.Max(ReadRow(context, k.Variable)));
        Expr rowMax = context.ReadTemporary(0, element, rows, RowIndex(context));
        Accumulator sum = context.Accumulate(
            "sum", element, Const.Of(element, 0), acc => acc + (ReadRow(context, l.Variable) - rowMax).Of(UnaryOp.Exp));
        // One division a row, not one an element.
        Expr rowFactor = context.ReadTemporary(1, element, rows, RowIndex(context));
        Expr result = (context.Read(0, context.Index).Widen() - rowMax).Of(UnaryOp.Exp) * rowFactor;
        return new LoweredOp(
            KernelFamily.Rows,
            [
                new LoweredPass(rows, [k], [max], max.Value),
                new LoweredPass(rows, [l], [sum], 1 / sum.Value),
                new LoweredPass(context.Axes, [], [], result.To(context.Output.Element)),
            ]);
    }

    /// <inheritdoc/>
    protected override void Apply(double[] row)
    {
        if (row.Length == 0) return;
        double max = row.Max(), sum = row.Sum(x => Math.Exp(x - max));
        for (int i = 0; i < row.Length; i++) row[i] = Math.Exp(row[i] - max) / sum;
    }
}
