using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y[n, j, p] = factor · Σ x over channels and the windows of a convolution of unsigned bytes x[n, c, spatial…], in int32: what a zero point of the weights adds. Outside of x
/// stands 0. Four channels are read as a word, of which bytes beyond the last channel do not count. With one part it is the sum over all channels; with four, each has every
/// fourth word, which lie side by side in memory as the parts do, and whoever reads them adds them. In place of bytes x may be words itself (<see cref="WordsOfBytes"/>).
/// </summary>
/// <param name="Factor">What the sum is multiplied by, a signed byte.</param>
/// <param name="Parts">1, or 4 for channels that are a multiple of 16.</param>
/// <param name="KernelShape">The window's size.</param>
/// <param name="Strides">The distance between windows.</param>
/// <param name="Dilations">The distance between a window's elements.</param>
/// <param name="Pads">The padding: all starts, then all ends.</param>
public sealed record SumOfBytes(
    long Factor, long Parts, EquatableArray<long> KernelShape, EquatableArray<long> Strides, EquatableArray<long> Dilations, EquatableArray<long> Pads) : Op, IOp<SumOfBytes>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Reduction;

    /// <inheritdoc/>
    public override bool IsOfBytes => true;

    /// <summary>How many parts there are for a number of channels.</summary>
    public static long PartsOf(long channels) => channels % 16 == 0 ? 4 : 1;

    /// <summary>How the windows lie over an input.</summary>
    public Window WindowOf(TensorType x) => Window.Resolve([.. x.Dims.Skip(2)], [.. KernelShape.Select(k => (IndexExpr)k)], "NOTSET", Strides, Dilations, Pads);

    /// <inheritdoc/>
    public override Index? WordAxis(int input) => 1;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(Factor is >= sbyte.MinValue and <= sbyte.MaxValue, $"the factor {Factor} is no signed byte");
        context.Require(x is { Element: ElementType.UInt8 or ElementType.Int32, Rank: >= 3 and <= 5 } && KernelShape.Length == x.Rank - 2 && KernelShape.All(k => k > 0), $"a window does not fit input {x}");
        context.Require(Parts == 1 || (Parts == 4 && x.Element == ElementType.UInt8 && x.Dims[1] is { IsConstant: true, Value: var channels } && channels % 16 == 0), $"the channels of {x} are not {Parts} parts");
        Window.Check(context, x.Rank - 2, "NOTSET", Strides, Dilations, Pads);
        Window window = WindowOf(x);
        window.RequireFits(context);
        context.Output(ElementType.Int32, [x.Dims[0], Parts, .. window.Output]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!.Element == ElementType.Int32 ? ByteWords.Unpack(inputs[0]!, 1, ElementType.UInt8) : inputs[0]!, filters = TensorData.Zeros(ElementType.Int8, [Parts, x.Dims[1], .. KernelShape]);
        int perFilter = (int)(filters.Count / Parts), perChannel = (int)(perFilter / x.Dims[1]);
        for (int i = 0; i < filters.Count; i++)
            if (i % perFilter / perChannel / 4 % Parts == i / perFilter) filters.SetInt64(i, Factor);
        return new ConvInteger("NOTSET", Dilations, 1, default, Pads, Strides).Evaluate([x, filters], outputs);
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        Window window = WindowOf(x);
        Axis[] taps = [.. window.Kernel.Select((extent, axis) => context.Reduce($"k{axis}", extent))];
        bool isWords = x.Element == ElementType.Int32;
        IndexExpr words = isWords ? x.Dims[1] : IndexExpr.CeilDiv(x.Dims[1], 4), last = isWords ? 4 : x.Dims[1] - ((words - 1) * 4);
        Axis step = context.Reduce("ic", words / Parts);
        IndexExpr word = Parts == 1 ? step.Variable : (step.Variable * (IndexExpr)Parts) + context.Index[1];
        IndexExpr[] place = [context.Index[0], word, .. taps.Select((tap, axis) => window.Position(axis, context.Index[axis + 2], tap.Variable))];
        Expr element = isWords ? context.ReadPadded(0, Const.Of(ElementType.Int32, 0), place) : context.ReadWords(0, 1, place);
        Expr factors = Factors(4);
        if (last != 4) factors = LowerContext.Compare(BinaryOp.Less, word, words - 1).Choose(factors, Factors(last.Value));
        Accumulator sum = context.Accumulate("sum", ElementType.Int32, Const.Of(ElementType.Int32, 0), acc => new Dot4(acc, element, factors, SignedA: false, SignedB: true));
        return context.ReduceOver(KernelFamily.Reduction, [step, .. taps], sum);
    }

    /// <summary>The factor in the first bytes of a word.</summary>
    private Const Factors(long bytes)
    {
        uint word = 0;
        for (int i = 0; i < bytes; i++) word |= (uint)(byte)Factor << (8 * i);
        return Const.OfInteger(ElementType.Int32, (int)word);
    }
}
