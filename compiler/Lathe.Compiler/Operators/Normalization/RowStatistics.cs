using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>Mean and variance of rows, which several normalisations share. A row is what lies along all axes from a first one on.</summary>
internal static class RowStatistics
{
    /// <summary>Σ x / n.</summary>
    public static double Mean(ReadOnlySpan<double> row)
    {
        double sum = 0;
        foreach (double x in row) sum += x;
        return sum / row.Length;
    }

    /// <summary>Σ (x - mean)² / n.</summary>
    public static double Variance(ReadOnlySpan<double> row, double mean)
    {
        double sum = 0;
        foreach (double x in row) sum += (x - mean) * (x - mean);
        return sum / row.Length;
    }

    /// <summary>
    /// finish((x - mean) / √(variance + ε)) in three passes over each row, of which the first gives the mean and the second the factor; without
    /// <paramref name="centred"/> the mean counts as 0 and there are two passes.
    /// </summary>
    public static LoweredOp Normalize(LowerContext context, int firstAxis, double epsilon, bool centred, Func<Expr, Expr> finish)
    {
        EquatableArray<Axis> rows = context.Axes.Take(firstAxis).ToEquatableArray();
        IndexExpr[] row = [.. context.Index.Take(firstAxis)];
        EquatableArray<IndexExpr> extents = context.Inputs[0]!.Dims.Skip(firstAxis).ToEquatableArray();
        ElementType element = context.Inputs[0]!.Element.Arithmetic();
        Expr count = IndexExpr.Product(extents).ToExpr(element), mean = Const.Of(element, 0);
        List<LoweredPass> passes = [];
        if (centred)
        {
            Axis[] first = Along("r");
            Accumulator sum = context.Accumulate("sum", element, Const.Of(element, 0), acc => acc + At(first));
            passes.Add(new LoweredPass(rows, first, [sum], sum.Value / count));
            mean = context.ReadTemporary(0, element, rows, row);
        }

        Axis[] second = Along("s");
        Expr distance = centred ? At(second) - mean : At(second);
        Accumulator squares = context.Accumulate("squares", element, Const.Of(element, 0), acc => distance.MultiplyAdd(distance, acc));
        passes.Add(new LoweredPass(rows, second, [squares], 1 / ((squares.Value / count) + epsilon).Of(UnaryOp.Sqrt)));
        Expr factor = context.ReadTemporary(passes.Count - 1, element, rows, row);
        Expr x = context.Read(0, context.Index).Widen(), normal = (centred ? x - mean : x) * factor;
        passes.Add(new LoweredPass(context.Axes, [], [], finish(normal).To(context.Output.Element)));
        return new LoweredOp(KernelFamily.Rows, passes.ToEquatableArray());

        Axis[] Along(string name) => [.. extents.Select((extent, i) => context.Reduce($"{name}{i}", extent))];
        Expr At(Axis[] axes) => context.Read(0, [.. row, .. axes.Select(a => (IndexExpr)a.Variable)]).Widen();
    }
}
