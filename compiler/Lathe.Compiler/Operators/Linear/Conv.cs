using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// y[n, o, p] = b[o] + Σ x[n, g·I + i, p·stride + k·dilation - pad] · w[o, i, k] over the I channels of o's group g and the window, for one to three
/// spatial axes. Inputs are x, w, the optional b, and as Lathe's own the optional pad_value[c], which stands outside of x in place of zero, so that
/// an offset of the input can be folded into the weights exactly.
/// </summary>
public sealed record Conv(
    string AutoPad = "NOTSET",
    EquatableArray<long> Dilations = default,
    long Group = 1,
    EquatableArray<long> KernelShape = default,
    EquatableArray<long> Pads = default,
    EquatableArray<long> Strides = default) : Op, IOp<Conv>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Conv", 2, 4);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        AttributeReader.Results(builder.AddNode(AttributeReader.Read<Conv>(node), [.. node.Inputs.Take(3)]));

    /// <summary>How the windows lie over an input.</summary>
    public Window WindowOf(TensorType x, TensorType w) =>
        Window.Resolve([.. x.Dims.Skip(2)], [.. w.Dims.Skip(2)], AutoPad, Strides, Dilations, Pads);

    /// <summary>True if every channel has its own filter and no other.</summary>
    public bool IsDepthwise(TensorType x, TensorType w) => Group > 1 && x.Dims[1] == Group && w.Dims[0] == Group;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0), w = context.Type(1);
        context.RequireSameElement(0, 1);
        EquatableArray<IndexExpr> dims = OutputDims(context, x, w);
        if (context.Has(2)) RequireVector(context, 2, w.Dims[0]);
        if (context.Has(3)) RequireVector(context, 3, x.Dims[1]);
        context.Output(new TensorType(x.Element, dims));
    }

    /// <summary>The shape of the output; fails where the attributes do not fit the input and the weights.</summary>
    internal EquatableArray<IndexExpr> OutputDims(InferContext context, TensorType x, TensorType w)
    {
        context.Require(x.Rank is >= 3 and <= 5, $"the input has rank {x.Rank}; 3 to 5 are supported");
        context.Require(w.Rank == x.Rank, $"the weights have rank {w.Rank}, the input {x.Rank}");
        Window.Check(context, x.Rank - 2, AutoPad, Strides, Dilations, Pads);
        context.Require(Group > 0, $"group is {Group}");
        context.Require(w.Dims[1] * Group == x.Dims[1], $"weights {w} in {Group} groups do not fit input {x}");
        context.Require(w.Dims[0].IsConstant && w.Dims[0].Value % Group == 0, $"{w.Dims[0]} output channels do not divide into {Group} groups");
        context.Require(
            KernelShape.Length == 0 || KernelShape.Select(k => (IndexExpr)k).SequenceEqual(w.Dims.Skip(2)),
            $"kernel_shape {KernelShape} is not that of the weights {w}");
        Window window = WindowOf(x, w);
        window.RequireFits(context);
        return [x.Dims[0], w.Dims[0], .. window.Output];
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, w = inputs[1]!;
        double[] image = x.ToDoubles(), weights = w.ToDoubles();
        double[]? bias = inputs.ElementAtOrDefault(2)?.ToDoubles(), outside = inputs.ElementAtOrDefault(3)?.ToDoubles();
        Window window = WindowOf(TensorType.Of(x.Element, x.Dims), TensorType.Of(w.Element, w.Dims));
        long channels = x.Dims[1], filters = w.Dims[0], perGroup = w.Dims[1];
        long[] from = x.Dims[2..], to = [.. outputs[0].StaticDims.Skip(2)], kernel = w.Dims[2..];
        int inputSize = (int)RowMajor.Count(from), outputSize = (int)RowMajor.Count(to), kernelSize = (int)RowMajor.Count(kernel);

        // For each element of the window the offset that each output position reads; negative outside.
        int[][] offsets = [.. RowMajor.Indices(kernel).Select(k => Offsets(window, [.. k], from, to))];
        double[] y = new double[x.Dims[0] * filters * outputSize];
        for (long plane = 0; plane < x.Dims[0] * filters; plane++)
        {
            long n = plane / filters, o = plane % filters, group = o / (filters / Group);
            Span<double> sums = y.AsSpan(checked((int)(plane * outputSize)), outputSize);
            sums.Fill(bias?[o] ?? 0);
            for (long i = 0; i < perGroup; i++)
            {
                long channel = (group * perGroup) + i;
                ReadOnlySpan<double> input = image.AsSpan(checked((int)(((n * channels) + channel) * inputSize)), inputSize);
                for (int k = 0; k < kernelSize; k++)
                {
                    double weight = weights[(((o * perGroup) + i) * kernelSize) + k];
                    int[] reads = offsets[k];
                    for (int p = 0; p < outputSize; p++) sums[p] += weight * (reads[p] >= 0 ? input[reads[p]] : outside?[channel] ?? 0);
                }
            }
        }

        return [Elements.FromDoubles(outputs[0], y)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        ElementType accumulate = context.Inputs[0]!.Element.Arithmetic();
        Factors factors = FactorsOf(context, 0, 1, channel => context.Has(3) ? context.Read(3, channel) : Const.Of(context.Inputs[0]!.Element, 0));
        Expr element = factors.Element.Widen(), weight = factors.Weight.Widen();
        Expr start = context.Has(2) ? context.Read(2, context.Index[1]).Widen() : Const.Of(accumulate, 0);
        Accumulator sum = context.Accumulate("sum", accumulate, start, acc => element.MultiplyAdd(weight, acc));
        return context.ReduceOver(factors.Family, factors.Reduction, sum, acc => acc.To(context.Output.Element));
    }

    /// <summary>What a convolution sums the products of.</summary>
    /// <param name="Family">How the sum is scheduled.</param>
    /// <param name="Reduction">The axes of the sum.</param>
    /// <param name="Element">An element of the input.</param>
    /// <param name="Weight">The weight that it meets.</param>
    internal sealed record Factors(KernelFamily Family, Axis[] Reduction, Expr Element, Expr Weight);

    /// <summary>What the sum at the index of a context is taken of.</summary>
    /// <param name="context">The context.</param>
    /// <param name="input">Which input is convolved.</param>
    /// <param name="weights">Which input the weights are.</param>
    /// <param name="outside">What stands outside of a channel.</param>
    internal Factors FactorsOf(LowerContext context, int input, int weights, Func<IndexExpr, Expr> outside)
    {
        TensorType x = context.Inputs[input]!, w = context.Inputs[weights]!;
        Window window = WindowOf(x, w);
        IndexExpr n = context.Index[0], o = context.Index[1];
        bool depthwise = IsDepthwise(x, w);

        Axis[] taps = [.. window.Kernel.Select((extent, axis) => context.Reduce($"k{axis}", extent))];
        Axis[] reduction = depthwise ? taps : [context.Reduce("ic", w.Dims[1]), .. taps];
        IndexExpr within = depthwise ? IndexExpr.Zero : reduction[0].Variable;
        IndexExpr channel = depthwise ? o : Group == 1 ? within : (o / (w.Dims[0].Value / Group) * w.Dims[1]) + within;

        IndexExpr[] position = [.. taps.Select((tap, axis) => window.Position(axis, context.Index[axis + 2], tap.Variable))];
        Expr element = context.ReadPadded(input, outside(channel), [n, channel, .. position]);
        Expr weight = context.Read(weights, [o, within, .. taps.Select(t => (IndexExpr)t.Variable)]);
        return new Factors(depthwise ? KernelFamily.DepthwiseConvolution : KernelFamily.Convolution, reduction, element, weight);
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) =>
        outputs[0].Count * IndexExpr.Product(inputs[1].Dims.Skip(1));

    private static void RequireVector(InferContext context, int input, IndexExpr length)
    {
        context.RequireSameElement(0, input);
        context.Require(context.Type(input).Dims is [var only] && only == length, $"input {input} is {context.Type(input)}, not a vector of {length}");
    }

    private static int[] Offsets(Window window, long[] k, long[] from, long[] to)
    {
        int[] offsets = new int[RowMajor.Count(to)];
        int next = 0;
        long[] position = new long[from.Length];
        foreach (long[] index in RowMajor.Indices(to))
        {
            bool inside = true;
            for (int axis = 0; axis < from.Length; axis++)
            {
                position[axis] = (index[axis] * window.Strides[axis]) + (k[axis] * window.Dilations[axis]) - window.PadLow[axis].Value;
                inside &= position[axis] >= 0 && position[axis] < from[axis];
            }

            offsets[next++] = inside ? (int)RowMajor.Offset(from, position) : -1;
        }

        return offsets;
    }
}
