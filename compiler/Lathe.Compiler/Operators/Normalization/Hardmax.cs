using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>1 at the first greatest element along an axis, 0 elsewhere.</summary>
public sealed record Hardmax(long Axis = -1) : SoftmaxOperator(Axis), IOp<Hardmax>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Hardmax", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) => ImportRows(node, builder, axis => new Hardmax(axis));

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        EquatableArray<Axis> rows = RowAxes(context);
        int axis = AxisOf(context.Axes.Length);
        ElementType element = context.Output.Element, arithmetic = element.Arithmetic();
        Axis k = context.Reduce("k", context.Axes[axis].Extent);
        Expr x = ReadRow(context, k.Variable);

        Accumulator max = context.Accumulate("max", arithmetic, Elements.Lowest(arithmetic), acc => acc.Max(x));
        Accumulator at = context.Accumulate(
            "at", ElementType.Int64, Const.OfInteger(ElementType.Int64, 0),
            acc => (x > max.Value).Choose(((IndexExpr)k.Variable).ToExpr(ElementType.Int64), acc));
        Expr first = context.ReadTemporary(0, ElementType.Int64, rows, RowIndex(context));
        Expr result = first.EqualTo(context.Index[axis].ToExpr(ElementType.Int64)).Choose(Const.Of(element, 1), Const.Of(element, 0));
        return new LoweredOp(
            KernelFamily.Rows, [new LoweredPass(rows, [k], [max, at], at.Value), new LoweredPass(context.Axes, [], [], result)]);
    }

    /// <inheritdoc/>
    protected override void Apply(double[] row)
    {
        if (row.Length == 0) return;
        int first = Array.IndexOf(row, row.Max());
        Array.Clear(row);
        row[first] = 1;
    }
}
