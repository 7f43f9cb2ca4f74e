using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y = c + Σ a · b as a matrix product of unsigned bytes a[…, m, k] with signed ones, in int32, which wraps. Four neighbours of a row are a word of 32 bits, the first in
/// its lowest byte: b is words [k/4, n]. The optional c is int32 [n].
/// </summary>
public sealed record MatMulOfBytes : Op, IOp<MatMulOfBytes>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override bool IsOfBytes => true;

    /// <inheritdoc/>
    public override Index? WordAxis(int input) => input == 0 ? ^1 : null;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType a = context.Type(0), b = context.Type(1);
        context.Require(a.Element == ElementType.UInt8 && b.Element == ElementType.Int32 && a.Rank >= 2 && b.Rank == 2, $"{a} is not multiplied with {b}");
        context.Require(a.Dims[^1] == b.Dims[0] * 4, $"{b} does not fit the rows of {a}");
        if (context.Has(2)) context.Require(context.Type(2) is { Element: ElementType.Int32, Dims: [var length] } && length == b.Dims[1], "there is not one start for each column");
        context.Output(ElementType.Int32, [.. a.Dims.SkipLast(1), b.Dims[1]]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        new MatMulInteger().Evaluate([inputs[0], ByteWords.Unpack(inputs[1]!, 0, ElementType.Int8), null, null, inputs.ElementAtOrDefault(2)], outputs);

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Axis word = context.Reduce("k", context.Inputs[1]!.Dims[0]);
        IndexExpr column = context.Index[^1];
        Expr left = context.ReadWords(0, ^1, [.. context.Index.SkipLast(1), word.Variable]), right = context.Read(1, word.Variable, column);
        Expr start = context.Has(2) ? context.Read(2, column) : Const.Of(ElementType.Int32, 0);
        Accumulator sum = context.Accumulate("sum", ElementType.Int32, start, acc => new Dot4(acc, left, right, SignedA: false, SignedB: true));
        return context.ReduceOver(KernelFamily.MatMul, [word], sum);
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) => outputs[0].Count * inputs[0].Dims[^1];
}
