using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>x / (bias + α/size Σ x²)^β, with the sum over the channels from ⌊(size-1)/2⌋ before to ⌈(size-1)/2⌉ behind.</summary>
public sealed record LRN(long Size, float Alpha = 0.0001f, float Beta = 0.75f, float Bias = 1f) : Op, IOp<LRN>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("LRN", 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Reduction;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0);
        context.Require(x.Rank >= 2, $"the input has rank {x.Rank}");
        context.Require(Size is > 0 and <= int.MaxValue, $"size is {Size}");
        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        double[] x = inputs[0]!.ToDoubles(), y = new double[x.Length];
        long channels = inputs[0]!.Dims[1], inner = RowMajor.Count(inputs[0]!.Dims.AsSpan(2));
        for (int i = 0; i < x.Length; i++)
        {
            long c = i / inner % channels;
            double sum = 0;
            for (long k = Math.Max(0, c - ((Size - 1) / 2)); k <= Math.Min(channels - 1, c + (Size / 2)); k++)
                sum += x[i + ((k - c) * inner)] * x[i + ((k - c) * inner)];
            y[i] = x[i] / Math.Pow(Bias + (Alpha / Size * sum), Beta);
        }

        return [Elements.FromDoubles(outputs[0], y)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Axis k = context.Reduce("k", Size);
        IndexExpr[] index = [.. context.Index];
        index[1] += k.Variable - ((Size - 1) / 2);
        Expr near = context.ReadPadded(0, Const.Of(context.Output.Element, 0), index).Widen();
        Accumulator sum = context.Accumulate("sum", near.Type.Element, Const.Of(near.Type, 0), acc => near.MultiplyAdd(near, acc));
        return context.ReduceOver(KernelFamily.Pool, [k], sum, acc =>
        {
            Expr x = context.Read(0, context.Index).Widen(), scale = (acc * ((double)Alpha / Size)) + Bias;
            return (x / Power(scale)).To(context.Output.Element);
        });
    }

    /// <summary>scale^beta; with the usual exponents as roots, which are exact to half a unit each where a power is not, and several times faster.</summary>
    private Expr Power(Expr scale)
    {
        if (Beta is not (0.5f or 0.75f)) return new Binary(BinaryOp.Power, scale, Const.Of(scale.Type, Beta));
        Expr root = scale.Of(UnaryOp.Sqrt);
        return Beta == 0.5f ? root : root * root.Of(UnaryOp.Sqrt);
    }
}
