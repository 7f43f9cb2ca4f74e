using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y = b + Σ (x - zero) · w over the windows of a depthwise convolution of bytes x[n, c, spatial…]. Weights [c, 1, window…], the optional b [c] and y are whole numbers in
/// float32, which multiplies and adds channels at once: so few products of nine bits are summed that it holds every sum exactly. Outside of x stands its zero point.
/// </summary>
/// <param name="Zero">The zero point of x.</param>
/// <param name="Strides">The distance between windows.</param>
/// <param name="Dilations">The distance between a window's elements.</param>
/// <param name="Pads">The padding: all starts, then all ends.</param>
public sealed record DepthwiseConvOfBytes(long Zero, EquatableArray<long> Strides, EquatableArray<long> Dilations, EquatableArray<long> Pads) : Op, IOp<DepthwiseConvOfBytes>
{
    /// <summary>The greatest bias: half of what float32 counts to without a gap.</summary>
    public const long MostBias = 1 << 23;

    /// <summary>The longest window whose sums of products of 255 and 255 the other half holds.</summary>
    public const long MostTaps = MostBias / (255 * 255);

    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override bool IsOfBytes => true;

    /// <summary>How the windows lie over an input.</summary>
    public Window WindowOf(TensorType x, TensorType w) => Window.Resolve([.. x.Dims.Skip(2)], [.. w.Dims.Skip(2)], "NOTSET", Strides, Dilations, Pads);

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), w = context.Type(1);
        context.Require(x.Element is ElementType.UInt8 or ElementType.Int8 && w.Element == ElementType.Float32, $"{x} is not convolved with {w}");
        context.Require(x.Rank is >= 3 and <= 5 && w.Rank == x.Rank && w.Dims[0] == x.Dims[1] && w.Dims[1] == IndexExpr.One, $"weights {w} do not fit input {x}");
        context.Require(IndexExpr.Product(w.Dims.Skip(2)) is { IsConstant: true, Value: <= MostTaps }, "the window is too large");
        Window.Check(context, x.Rank - 2, "NOTSET", Strides, Dilations, Pads);
        Window window = WindowOf(x, w);
        window.RequireFits(context);
        if (context.Has(2)) context.Require(context.Type(2) is { Element: ElementType.Float32, Dims: [var length] } && length == x.Dims[1], "there is not one bias per channel");
        context.Output(ElementType.Float32, [x.Dims[0], x.Dims[1], .. window.Output]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, distances = TensorData.Zeros(ElementType.Float32, x.Dims);
        for (int i = 0; i < x.Count; i++) distances.SetDouble(i, x.GetInt64(i) - Zero);
        Conv sum = new("NOTSET", Dilations, x.Dims[1], default, Pads, Strides);
        return sum.Evaluate([distances, inputs[1], inputs.ElementAtOrDefault(2)], outputs);
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!, w = context.Inputs[1]!;
        Window window = WindowOf(x, w);
        IndexExpr n = context.Index[0], o = context.Index[1];
        Axis[] taps = [.. window.Kernel.Select((extent, axis) => context.Reduce($"k{axis}", extent))];
        Expr element = context.ReadPadded(0, Const.Of(x.Element, Zero), [n, o, .. taps.Select((tap, axis) => window.Position(axis, context.Index[axis + 2], tap.Variable))]).To(ElementType.Float32);
        if (Zero != 0) element -= Zero;
        Expr weight = context.Read(1, [o, IndexExpr.Zero, .. taps.Select(t => (IndexExpr)t.Variable)]);
        Expr start = context.Has(2) ? context.Read(2, o) : Const.Of(ElementType.Float32, 0);
        Accumulator sum = context.Accumulate("sum", ElementType.Float32, start, acc => element.MultiplyAdd(weight, acc));
        return context.ReduceOver(KernelFamily.DepthwiseConvolution, taps, sum);
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) => outputs[0].Count * IndexExpr.Product(inputs[1].Dims.Skip(2));
}
