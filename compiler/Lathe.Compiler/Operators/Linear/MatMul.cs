using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>c[…, m, n] = Σ a[…, m, k] · b[…, k, n] as NumPy's matmul: leading axes broadcast, a vector is a row on the left and a column on the right.</summary>
public sealed record MatMul : Op, IOp<MatMul>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("MatMul", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType a = context.Numeric(0), b = context.Numeric(1);
        context.RequireSameElement(0, 1);
        context.Output(new TensorType(a.Element, OutputDims(context, a, b)));
    }

    /// <summary>The shape of the product; fails where the operands do not multiply.</summary>
    internal static EquatableArray<IndexExpr> OutputDims(InferContext context, TensorType a, TensorType b)
    {
        context.Require(a.Rank >= 1 && b.Rank >= 1, "an operand is a scalar");
        IndexExpr k = a.Dims[^1], other = b.Dims[Math.Max(0, b.Rank - 2)];
        context.Require(k == other, $"{a} and {b} do not multiply: {k} is not {other}");
        List<IndexExpr> dims = [.. context.Broadcast([.. a.Dims.SkipLast(2)], [.. b.Dims.SkipLast(2)])];
        if (a.Rank > 1) dims.Add(a.Dims[^2]);
        if (b.Rank > 1) dims.Add(b.Dims[^1]);
        return [.. dims];
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData a = inputs[0]!, b = inputs[1]!, c = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        long[] left = a.Dims.Length == 1 ? [1, a.Dims[0]] : a.Dims, right = b.Dims.Length == 1 ? [b.Dims[0], 1] : b.Dims;
        long m = left[^2], k = left[^1], n = right[^1];
        long[] leftBatch = left[..^2], rightBatch = right[..^2];
        long[] batch = [.. c.Dims.Take(Math.Max(leftBatch.Length, rightBatch.Length))];
        int[] leftMatrix = RowMajor.Broadcast(leftBatch, batch), rightMatrix = RowMajor.Broadcast(rightBatch, batch);
        double[] x = a.ToDoubles(), y = b.ToDoubles();
        for (int i = 0; i < c.Count; i++)
        {
            long matrix = i / (m * n), row = i / n % m, column = i % n;
            long at = ((leftMatrix[matrix] * m) + row) * k, bt = (rightMatrix[matrix] * k * n) + column;
            if (c.Element.IsFloat())
            {
                double sum = 0;
                for (long j = 0; j < k; j++) sum += x[at + j] * y[bt + (j * n)];
                c.SetDouble(i, sum);
            }
            else
            {
                long sum = 0;
                for (long j = 0; j < k; j++) sum = unchecked(sum + (a.GetInt64((int)(at + j)) * b.GetInt64((int)(bt + (j * n)))));
                c.SetInt64(i, sum);
            }
        }

        return [c];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Factors factors = FactorsOf(context, 0, 1);
        Expr x = context.Read(0, factors.Left).Widen(), y = context.Read(1, factors.Right).Widen();
        Accumulator sum = context.Accumulate("sum", x.Type.Element, Const.Of(x.Type, 0), acc => x.MultiplyAdd(y, acc));
        return context.ReduceOver(factors.Family, [factors.Reduction], sum, acc => acc.To(context.Output.Element));
    }

    /// <summary>Where the factors lie whose products a matrix product sums.</summary>
    /// <param name="Family">How the sum is scheduled.</param>
    /// <param name="Reduction">The axis of the sum.</param>
    /// <param name="Left">The index into the left operand.</param>
    /// <param name="Right">The index into the right one.</param>
    internal sealed record Factors(KernelFamily Family, Axis Reduction, IndexExpr[] Left, IndexExpr[] Right);

    /// <summary>Where the factors lie for the index of a context.</summary>
    /// <param name="context">The context.</param>
    /// <param name="left">Which input is the left operand.</param>
    /// <param name="right">Which input is the right one.</param>
    internal static Factors FactorsOf(LowerContext context, int left, int right)
    {
        TensorType a = context.Inputs[left]!, b = context.Inputs[right]!;
        bool rows = a.Rank > 1, columns = b.Rank > 1;
        Axis k = context.Reduce("k", a.Dims[^1]);
        int matrixAxes = (rows ? 1 : 0) + (columns ? 1 : 0);
        IndexExpr[] batch = [.. context.Index.SkipLast(matrixAxes)];
        // Schedules of matrix products count on both axes; with a vector it is a reduction of rows.
        return new Factors(
            rows && columns ? KernelFamily.MatMul : KernelFamily.Reduction,
            k,
            [.. Batch(a, batch), .. rows ? [context.Index[^matrixAxes]] : Array.Empty<IndexExpr>(), k.Variable],
            [.. Batch(b, batch), k.Variable, .. columns ? [context.Index[^1]] : Array.Empty<IndexExpr>()]);
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) => outputs[0].Count * inputs[0].Dims[^1];

    private static IEnumerable<IndexExpr> Batch(TensorType operand, IndexExpr[] index)
    {
        int rank = Math.Max(0, operand.Rank - 2);
        return Enumerable.Range(0, rank).Select(i => operand.Dims[i] == IndexExpr.One ? IndexExpr.Zero : index[index.Length - rank + i]);
    }
}
