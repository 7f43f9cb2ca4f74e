using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>y = α A B + β C, with A and B transposed if asked and the optional C broadcast to the product.</summary>
public sealed record Gemm(float Alpha = 1f, float Beta = 1f, bool TransA = false, bool TransB = false) : Op, IOp<Gemm>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Gemm", 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType a = context.Numeric(0), b = context.Numeric(1);
        context.RequireSameElement(0, 1);
        context.Require(a.Rank == 2 && b.Rank == 2, $"{a} and {b} are not both matrices");
        IndexExpr m = a.Dims[TransA ? 1 : 0], k = a.Dims[TransA ? 0 : 1], other = b.Dims[TransB ? 1 : 0], n = b.Dims[TransB ? 0 : 1];
        context.Require(k == other, $"{a} and {b} do not multiply: {k} is not {other}");
        if (context.Has(2))
        {
            context.RequireSameElement(0, 2);
            context.Require(context.Broadcast([m, n], context.Type(2).Dims).SequenceEqual([m, n]), $"C {context.Type(2)} does not broadcast to [{m}, {n}]");
        }

        context.Output(a.Element, m, n);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData a = inputs[0]!, b = inputs[1]!;
        TensorData? c = inputs.ElementAtOrDefault(2);
        double[] x = a.ToDoubles(), y = b.ToDoubles();
        long m = outputs[0].StaticDims[0], n = outputs[0].StaticDims[1], k = a.Dims[TransA ? 0 : 1];
        int[]? added = c is null ? null : RowMajor.Broadcast(c.Dims, [m, n]);
        double[] result = new double[m * n];
        for (long i = 0; i < m; i++)
        {
            for (long j = 0; j < n; j++)
            {
                double sum = 0;
                for (long l = 0; l < k; l++) sum += x[TransA ? (l * m) + i : (i * k) + l] * y[TransB ? (j * k) + l : (l * n) + j];
                result[(i * n) + j] = (Alpha * sum) + (c is null ? 0 : Beta * c.GetDouble(added![(i * n) + j]));
            }
        }

        return [Elements.FromDoubles(outputs[0], result)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Axis k = context.Reduce("k", context.Inputs[0]!.Dims[TransA ? 0 : 1]);
        IndexExpr m = context.Index[0], n = context.Index[1];
        Expr x = (TransA ? context.Read(0, k.Variable, m) : context.Read(0, m, k.Variable)).Widen();
        Expr y = (TransB ? context.Read(1, n, k.Variable) : context.Read(1, k.Variable, n)).Widen();
        ElementType element = x.Type.Element;
        Expr? c = context.Has(2) && Beta != 0 ? context.ReadBroadcast(2).Widen() : null;
        bool startsAtC = c is not null && Alpha == 1 && Beta == 1;

        Accumulator sum = context.Accumulate("sum", element, startsAtC ? c! : Const.Of(element, 0), acc => x.MultiplyAdd(y, acc));
        return context.ReduceOver(KernelFamily.MatMul, [k], sum, acc =>
        {
            // Factors are floats also where the elements are integers; the sum is rounded once.
            bool scales = Alpha != 1 || (c is not null && Beta != 1);
            Expr product = scales && !element.IsFloat() ? acc.To(ElementType.Float64) : acc;
            if (Alpha != 1) product *= Alpha;
            if (c is not null && !startsAtC) product += Beta == 1 ? c.To(product.Type.Element) : c.To(product.Type.Element) * Beta;
            return product.To(context.Output.Element);
        });
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) =>
        outputs[0].Count * inputs[0].Dims[TransA ? 0 : 1];
}
