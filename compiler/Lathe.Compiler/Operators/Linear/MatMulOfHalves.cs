using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// y[…, m, n] = c[n] + scale · Σ a[…, m, k] · b[k, n] with a in float32, weights b of 16 bits that are widened as they are read, and the optional c. Weights in bfloat16 are widened by a
/// shift. Those in float16 are given as their bits, and no number among them is denormal, infinite or none: moved to where a float's bits are, they then only lack a factor.
/// </summary>
/// <param name="TransB">True for weights [n, k].</param>
/// <param name="Scale">The factor, a power of two.</param>
public sealed record MatMulOfHalves(bool TransB, float Scale = 1) : Op, IOp<MatMulOfHalves>
{
    /// <summary>What the bits of a float16 stand for, where a float32 has them, times this is the number.</summary>
    private const double Bias = 5.192296858534828E+33; // 2^112

    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <summary>
    /// float16 weights as their bits, and the scale by which they have to be multiplied: with it the largest is just in the range of float16, and what is denormal then, 2^28 times smaller, is
    /// zero.
    /// </summary>
    public static (TensorData Bits, float Scale) BitsOf(TensorData weights)
    {
        double largest = 0;
        for (int i = 0; i < weights.Count; i++) largest = Math.Max(largest, Math.Abs(weights.GetDouble(i)));
        int exponent = largest == 0 ? 0 : Math.ILogB(largest) - 14;
        TensorData bits = TensorData.Zeros(ElementType.Int16, weights.Dims);
        for (int i = 0; i < bits.Count; i++)
        {
            Half half = (Half)Math.ScaleB(weights.GetDouble(i), -exponent);
            bits.Span<short>()[i] = Half.IsNormal(half) ? BitConverter.HalfToInt16Bits(half) : (short)0;
        }

        return (bits, MathF.ScaleB(1, exponent));
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType a = context.Type(0), b = context.Type(1);
        context.Require(a.Element == ElementType.Float32 && b.Element is ElementType.Int16 or ElementType.BFloat16, $"{a} is not multiplied with {b}");
        context.Require(a.Rank >= 2 && b.Rank == 2 && a.Dims[^1] == b.Dims[TransB ? 1 : 0], $"{a} and {b} do not multiply");
        IndexExpr columns = b.Dims[TransB ? 0 : 1];
        if (context.Has(2)) context.Require(context.Type(2) is { Element: ElementType.Float32, Dims: [var length] } && length == columns, $"{context.Type(2)} is not one number per column");
        context.Output(ElementType.Float32, [.. a.Dims.SkipLast(1), columns]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData a = inputs[0]!, b = inputs[1]!;
        if (b.Element == ElementType.Int16) b = TensorData.FromBytes(ElementType.Float16, b.Dims, b.Bytes);
        long k = a.Dims[^1], columns = outputs[0].StaticDims[^1];
        double[] x = a.ToDoubles(), w = b.ToDoubles(), y = new double[RowMajor.Count(outputs[0].StaticDims)];
        double[]? c = inputs.ElementAtOrDefault(2)?.ToDoubles();
        for (long i = 0; i < y.Length; i++)
        {
            (long row, long column) = Math.DivRem(i, columns);
            double sum = 0;
            for (long j = 0; j < k; j++) sum += x[(row * k) + j] * w[TransB ? (column * k) + j : (j * columns) + column];
            y[i] = (sum * Scale) + (c?[column] ?? 0);
        }

        return [Elements.FromDoubles(outputs[0], y)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Axis k = context.Reduce("k", context.Inputs[0]!.Dims[^1]);
        IndexExpr n = context.Index[^1];
        Expr x = context.Read(0, [.. context.Index.SkipLast(1), k.Variable]);
        Expr w = Widened(TransB ? context.Read(1, n, k.Variable) : context.Read(1, k.Variable, n));
        Expr zero = Const.Of(ElementType.Float32, 0), scale = Const.Of(ElementType.Float32, Scale);
        Accumulator sum = context.Accumulate("sum", ElementType.Float32, zero, acc => x.MultiplyAdd(w, acc));
        Expr? c = context.Has(2) ? context.Read(2, n) : null;
        return context.ReduceOver(KernelFamily.MatMul, [k], sum, acc => c is null ? Scale == 1 ? acc : acc * scale : acc.MultiplyAdd(scale, c));
    }

    private static Expr Widened(Expr weight)
    {
        if (weight.Type.Element != ElementType.Int16) return weight.Widen();
        // The sign stays where it is; of the bits that widening copies it to, exponent and fraction are cut off.
        Expr moved = new Binary(BinaryOp.ShiftLeft, weight.To(ElementType.Int32), Const.OfInteger(ElementType.Int32, 13));
        Expr cut = new Binary(BinaryOp.And, moved, Const.OfInteger(ElementType.Int32, unchecked((int)0x8FFFE000)));
        return new Bits(cut, cut.Type with { Element = ElementType.Float32 }) * Const.Of(ElementType.Float32, Bias);
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) => outputs[0].Count * inputs[0].Dims[^1];
}
