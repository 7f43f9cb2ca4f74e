using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>The determinants of square matrices in the last two axes.</summary>
public sealed record Det : Op, IOp<Det>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Det", 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0);
        context.Require(x.Rank >= 2 && (x.Dims[^1] - x.Dims[^2]).Range is { Min: <= 0, Max: >= 0 }, $"{x} is not of square matrices");
        context.Output(new TensorType(x.Element, [.. x.Dims.SkipLast(2)]));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(x.Element, outputs[0].StaticDims);
        int n = (int)x.Dims[^1];
        for (int matrix = 0; matrix < y.Count; matrix++)
        {
            double[][] rows = [.. Enumerable.Range(0, n).Select(r => Enumerable.Range(0, n).Select(c => x.GetDouble((((matrix * n) + r) * n) + c)).ToArray())];
            y.SetDouble(matrix, Determinant(rows));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) =>
        new(nameof(Det), ScratchBytes: 8 * inputs[0]!.Dims[^1] * inputs[0]!.Dims[^1]);

    /// <summary>Rows without what the row of the largest element of the first column has in it, one column narrower, times that element.</summary>
    private static double Determinant(double[][] rows)
    {
        double product = 1;
        while (rows.Length > 0)
        {
            double[] pivot = rows.MaxBy(row => double.IsNaN(row[0]) ? double.PositiveInfinity : Math.Abs(row[0]))!;
            int at = Array.IndexOf(rows, pivot);
            if (at > 0) (rows[0], rows[at], product) = (pivot, rows[0], -product);
            product *= pivot[0];
            if (pivot[0] == 0) return product;
            rows = [.. rows.Skip(1).Select(row => row.Skip(1).Select((v, i) => v - (row[0] / pivot[0] * pivot[i + 1])).ToArray())];
        }

        return product;
    }
}
