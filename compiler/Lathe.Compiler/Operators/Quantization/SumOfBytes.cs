using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y[n, 0, p] = Σ x over all channels and the windows of a convolution of unsigned bytes x[n, c, spatial…], in int32: what a zero point of the weights is multiplied
/// with. Outside of x stands 0. Four channels are read as a word, of which bytes beyond the last channel do not count.
/// </summary>
/// <param name="KernelShape">The window's size.</param>
/// <param name="Strides">The distance between windows.</param>
/// <param name="Dilations">The distance between a window's elements.</param>
/// <param name="Pads">The padding: all starts, then all ends.</param>
public sealed record SumOfBytes(EquatableArray<long> KernelShape, EquatableArray<long> Strides, EquatableArray<long> Dilations, EquatableArray<long> Pads) : Op, IOp<SumOfBytes>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Reduction;

    /// <summary>How the windows lie over an input.</summary>
    public Window WindowOf(TensorType x) => Window.Resolve([.. x.Dims.Skip(2)], [.. KernelShape.Select(k => (IndexExpr)k)], "NOTSET", Strides, Dilations, Pads);

    /// <inheritdoc/>
    public override bool ReadsWords(int input) => true;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(x is { Element: ElementType.UInt8, Rank: >= 3 and <= 5 } && KernelShape.Length == x.Rank - 2 && KernelShape.All(k => k > 0), $"a window does not fit input {x}");
        Window.Check(context, x.Rank - 2, "NOTSET", Strides, Dilations, Pads);
        Window window = WindowOf(x);
        window.RequireFits(context);
        context.Output(ElementType.Int32, [x.Dims[0], IndexExpr.One, .. window.Output]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, ones = TensorData.Zeros(ElementType.Int8, [1, x.Dims[1], .. KernelShape]);
        for (int i = 0; i < ones.Count; i++) ones.SetInt64(i, 1);
        return new ConvInteger("NOTSET", Dilations, 1, default, Pads, Strides).Evaluate([x, ones], outputs);
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        Window window = WindowOf(x);
        Axis[] taps = [.. window.Kernel.Select((extent, axis) => context.Reduce($"k{axis}", extent))];
        IndexExpr words = IndexExpr.CeilDiv(x.Dims[1], 4), last = x.Dims[1] - ((words - 1) * 4);
        Axis channel = context.Reduce("ic", words);
        Expr element = context.ReadWords(0, [context.Index[0], channel.Variable, .. taps.Select((tap, axis) => window.Position(axis, context.Index[axis + 2], tap.Variable))]);
        Expr ones = Const.OfInteger(ElementType.Int32, 0x01010101);
        if (last != 4)
            ones = LowerContext.Compare(BinaryOp.Less, channel.Variable, words - 1).Choose(ones, Const.OfInteger(ElementType.Int32, 0x01010101 >> (int)(8 * (4 - last.Value))));
        Accumulator sum = context.Accumulate("sum", ElementType.Int32, Const.Of(ElementType.Int32, 0), acc => new Dot4(acc, element, ones, SignedA: false, SignedB: true));
        return context.ReduceOver(KernelFamily.Reduction, [channel, .. taps], sum);
    }
}
