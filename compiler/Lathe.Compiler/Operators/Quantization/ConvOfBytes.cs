using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y = b - Σ s + Σ x · w over the windows of a convolution of unsigned bytes x[n, c, spatial…] with signed ones, in int32, which wraps. Four channels are a word of 32 bits,
/// the first in its lowest byte: the weights are words [o, ⌈c/4⌉, window…], with zeros beyond the last channel. Outside of x stands 0. The optional b is int32 [o], the optional
/// s are int32 [n, parts, spatial…] (<see cref="SumOfBytes"/>). In place of bytes x may be words itself (<see cref="WordsOfBytes"/>).
/// </summary>
/// <param name="Channels">The channels of x.</param>
/// <param name="Strides">The distance between windows.</param>
/// <param name="Dilations">The distance between a window's elements.</param>
/// <param name="Pads">The padding: all starts, then all ends.</param>
public sealed record ConvOfBytes(long Channels, EquatableArray<long> Strides, EquatableArray<long> Dilations, EquatableArray<long> Pads) : Op, IOp<ConvOfBytes>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 4);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override bool IsOfBytes => true;

    /// <summary>How the windows lie over an input.</summary>
    public Window WindowOf(TensorType x, TensorType w) => Window.Resolve([.. x.Dims.Skip(2)], [.. w.Dims.Skip(2)], "NOTSET", Strides, Dilations, Pads);

    /// <inheritdoc/>
    public override Index? WordAxis(int input) => input == 0 ? 1 : null;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), w = context.Type(1);
        context.Require(x.Element is ElementType.UInt8 or ElementType.Int32 && w.Element == ElementType.Int32, $"{x} is not convolved with {w}");
        context.Require(x.Rank is >= 3 and <= 5 && w.Rank == x.Rank && w.Dims[0].IsConstant, $"weights {w} do not fit input {x}");
        context.Require(w.Dims[1] == (Channels + 3) / 4 && x.Dims[1] == (x.Element == ElementType.UInt8 ? Channels : w.Dims[1]), $"weights {w} do not fit the channels of input {x}");
        Window.Check(context, x.Rank - 2, "NOTSET", Strides, Dilations, Pads);
        if (context.Has(2)) context.Require(context.Type(2) is { Element: ElementType.Int32, Dims: [var length] } && length == w.Dims[0], "there is not one bias per output channel");
        Window window = WindowOf(x, w);
        window.RequireFits(context);
        if (context.Has(3))
        {
            TensorType sums = context.Type(3);
            context.Require(sums.Element == ElementType.Int32 && sums.Rank == x.Rank && sums.Dims[0] == x.Dims[0] && sums.Dims[1].IsConstant && sums.Dims.Skip(2).SequenceEqual(window.Output), $"{sums} are no sums over the windows");
        }

        context.Output(ElementType.Int32, [x.Dims[0], w.Dims[0], .. window.Output]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!.Element == ElementType.Int32 ? ByteWords.Unpack(inputs[0]!, 1, ElementType.UInt8) : inputs[0]!;
        TensorData bytes = ByteWords.Unpack(inputs[1]!, 1, ElementType.Int8, x.Dims[1]);
        ConvInteger sum = new("NOTSET", Dilations, 1, default, Pads, Strides);
        TensorData y = sum.Evaluate([x, bytes, null, null, inputs.ElementAtOrDefault(2)], outputs)[0];
        if (inputs.ElementAtOrDefault(3) is not { } sums) return [y];
        int places = (int)(y.Count / y.Dims[0] / y.Dims[1]), parts = (int)sums.Dims[1];
        for (int i = 0; i < y.Count; i++)
        {
            int first = (i / places / (int)y.Dims[1] * parts * places) + (i % places);
            y.SetInt64(i, (int)(y.GetInt64(i) - Enumerable.Range(0, parts).Sum(j => sums.GetInt64(first + (j * places)))));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!, w = context.Inputs[1]!;
        Window window = WindowOf(x, w);
        IndexExpr n = context.Index[0], o = context.Index[1];
        Axis[] taps = [.. window.Kernel.Select((extent, axis) => context.Reduce($"k{axis}", extent))];
        Axis channel = context.Reduce("ic", w.Dims[1]);
        IndexExpr[] place = [n, channel.Variable, .. taps.Select((tap, axis) => window.Position(axis, context.Index[axis + 2], tap.Variable))];
        Expr element = x.Element == ElementType.Int32 ? context.ReadPadded(0, Const.Of(ElementType.Int32, 0), place) : context.ReadWords(0, 1, place);
        Expr weight = context.Read(1, [o, channel.Variable, .. taps.Select(t => (IndexExpr)t.Variable)]);
        Expr start = context.Has(2) ? context.Read(2, o) : Const.Of(ElementType.Int32, 0);
        Accumulator sum = context.Accumulate("sum", ElementType.Int32, start, acc => new Dot4(acc, element, weight, SignedA: false, SignedB: true));
        return context.ReduceOver(KernelFamily.Convolution, [channel, .. taps], sum, context.Has(3) ? acc => acc - Parts().Aggregate((a, b) => a + b) : null);

        IEnumerable<Expr> Parts() => Enumerable.Range(0, (int)context.Inputs[3]!.Dims[1].Value).Select(j => context.Read(3, [n, j, .. context.Index.Skip(2)]));
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) =>
        outputs[0].Count * Channels * IndexExpr.Product(inputs[1].Dims.Skip(2));
}
