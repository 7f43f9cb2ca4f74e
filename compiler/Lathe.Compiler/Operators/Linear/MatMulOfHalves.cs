using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// y[…, m, n] = c[n] + Σ a[…, m, k] · b[k, n] with a in float32, weights b of 16 bits that are widened as they are read, and the optional c.
/// </summary>
/// <param name="TransB">True for weights [n, k].</param>
public sealed record MatMulOfHalves(bool TransB) : Op, IOp<MatMulOfHalves>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType a = context.Type(0), b = context.Type(1);
        context.Require(a.Element == ElementType.Float32 && b.Element is ElementType.Float16 or ElementType.BFloat16, $"{a} is not multiplied with {b}");
        context.Require(a.Rank >= 2 && b.Rank == 2 && a.Dims[^1] == b.Dims[TransB ? 1 : 0], $"{a} and {b} do not multiply");
        IndexExpr columns = b.Dims[TransB ? 0 : 1];
        if (context.Has(2)) context.Require(context.Type(2) is { Element: ElementType.Float32, Dims: [var length] } && length == columns, $"{context.Type(2)} is not one number per column");
        context.Output(ElementType.Float32, [.. a.Dims.SkipLast(1), columns]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData a = inputs[0]!, b = inputs[1]!;
        long k = a.Dims[^1], columns = outputs[0].StaticDims[^1];
        double[] x = a.ToDoubles(), w = b.ToDoubles(), y = new double[RowMajor.Count(outputs[0].StaticDims)];
        double[]? c = inputs.ElementAtOrDefault(2)?.ToDoubles();
        for (long i = 0; i < y.Length; i++)
        {
            (long row, long column) = Math.DivRem(i, columns);
            y[i] = c?[column] ?? 0;
            for (long j = 0; j < k; j++) y[i] += x[(row * k) + j] * w[TransB ? (column * k) + j : (j * columns) + column];
        }

        return [Elements.FromDoubles(outputs[0], y)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Axis k = context.Reduce("k", context.Inputs[0]!.Dims[^1]);
        IndexExpr n = context.Index[^1];
        Expr x = context.Read(0, [.. context.Index.SkipLast(1), k.Variable]);
        Expr w = (TransB ? context.Read(1, n, k.Variable) : context.Read(1, k.Variable, n)).Widen();
        Expr start = context.Has(2) ? context.Read(2, n) : Const.Of(ElementType.Float32, 0);
        Accumulator sum = context.Accumulate("sum", ElementType.Float32, start, acc => x.MultiplyAdd(w, acc));
        return context.ReduceOver(KernelFamily.MatMul, [k], sum);
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) => outputs[0].Count * inputs[0].Dims[^1];
}
