using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// The transpose of a convolution: x[n, g·I + i, q] · w[g·I + i, o, k] is added to y[n, g·O + o, q·stride + k·dilation - pad], and b to all, for one to
/// three spatial axes. Inputs are x, w and the optional b.
/// </summary>
public sealed record ConvTranspose(
    string AutoPad = "NOTSET",
    EquatableArray<long> Dilations = default,
    long Group = 1,
    EquatableArray<long> KernelShape = default,
    EquatableArray<long> OutputPadding = default,
    EquatableArray<long> OutputShape = default,
    EquatableArray<long> Pads = default,
    EquatableArray<long> Strides = default) : Op, IOp<ConvTranspose>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ConvTranspose", 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0), w = context.Type(1);
        context.RequireSameElement(0, 1);
        context.Require(x.Rank is >= 3 and <= 5, $"the input has rank {x.Rank}; 3 to 5 are supported");
        context.Require(w.Rank == x.Rank, $"the weights have rank {w.Rank}, the input {x.Rank}");
        int rank = x.Rank - 2;
        Window.Check(context, rank, AutoPad, Strides, Dilations, Pads);
        context.Require(Group > 0, $"group is {Group}");
        context.Require(w.Dims[0] == x.Dims[1], $"weights {w} do not fit input {x}");
        context.Require(w.Dims[0].IsConstant && w.Dims[1].IsConstant && w.Dims[0].Value % Group == 0, $"{w.Dims[0]} channels do not divide into {Group} groups");
        context.Require(OutputPadding.Length == 0 || OutputPadding.Length == rank, $"output_padding has {OutputPadding.Length} values for {rank} spatial axes");
        context.Require(OutputShape.Length == 0 || OutputShape.Length == rank, $"output_shape has {OutputShape.Length} values for {rank} spatial axes");
        context.Require(OutputPadding.All(p => p is >= 0 and <= 1 << 30), "output_padding is negative or too large");
        context.Require(OutputShape.All(d => d is > 0 and <= int.MaxValue), "output_shape is not positive");
        context.Require(
            KernelShape.Length == 0 || KernelShape.Select(k => (IndexExpr)k).SequenceEqual(w.Dims.Skip(2)),
            $"kernel_shape {KernelShape} is not that of the weights {w}");
        IndexExpr filters = w.Dims[1] * Group;
        if (context.Has(2))
        {
            context.RequireSameElement(0, 2);
            context.Require(context.Type(2).Dims is [var only] && only == filters, $"the bias is {context.Type(2)}, not a vector of {filters}");
        }

        Window window = WindowOf(x, w);
        window.RequireFits(context);
        context.Output(x.Element, [x.Dims[0], filters, .. window.Output]);
    }

    /// <summary>How the windows lie over the output, whose size is <see cref="Window.Output"/>.</summary>
    public Window WindowOf(TensorType x, TensorType w)
    {
        int rank = x.Rank - 2;
        IndexExpr[] kernel = [.. w.Dims.Skip(2)], low = new IndexExpr[rank], high = new IndexExpr[rank], output = new IndexExpr[rank];
        long[] strides = [.. Strides.Length == 0 ? Enumerable.Repeat(1L, rank) : Strides];
        long[] dilations = [.. Dilations.Length == 0 ? Enumerable.Repeat(1L, rank) : Dilations];
        for (int axis = 0; axis < rank; axis++)
        {
            long extra = OutputPadding.Length == 0 ? 0 : OutputPadding[axis];
            IndexExpr input = x.Dims[axis + 2];
            IndexExpr full = ((input - 1) * strides[axis]) + ((kernel[axis] - 1) * dilations[axis]) + 1 + extra;
            bool same = AutoPad is "SAME_UPPER" or "SAME_LOWER";
            if (OutputShape.Length > 0 || same)
            {
                output[axis] = OutputShape.Length > 0 ? OutputShape[axis] : input * strides[axis];
                // Where the sizes make no padding the total is negative: the output then reaches beyond the sums.
                IndexExpr total = IndexExpr.Max(0, full - output[axis]), half = total / 2;
                low[axis] = AutoPad == "SAME_UPPER" ? half : total - half;
                high[axis] = total - low[axis];
            }
            else
            {
                bool explicitPads = AutoPad == "NOTSET" && Pads.Length > 0;
                low[axis] = explicitPads ? Pads[axis] : 0;
                high[axis] = explicitPads ? Pads[axis + rank] : 0;
                output[axis] = full - low[axis] - high[axis];
            }
        }

        return new Window(kernel, strides, dilations, low, high, output);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, w = inputs[1]!;
        double[] image = x.ToDoubles(), weights = w.ToDoubles();
        double[]? bias = inputs.ElementAtOrDefault(2)?.ToDoubles();
        Window window = WindowOf(TensorType.Of(x.Element, x.Dims), TensorType.Of(w.Element, w.Dims));
        long[] dims = outputs[0].StaticDims, from = x.Dims[2..], to = dims[2..], kernel = w.Dims[2..], position = new long[to.Length];
        long channels = x.Dims[1], filters = dims[1], perGroup = w.Dims[1];
        long inputSize = RowMajor.Count(from), outputSize = RowMajor.Count(to), kernelSize = RowMajor.Count(kernel);
        double[] y = new double[dims[0] * filters * outputSize];
        for (int i = 0; i < y.Length; i++) y[i] = bias?[i / outputSize % filters] ?? 0;
        for (long n = 0; n < dims[0]; n++)
        {
            for (long c = 0; c < channels; c++)
            {
                long group = c / (channels / Group), q = 0;
                foreach (long[] at in RowMajor.Indices(from))
                {
                    double value = image[(((n * channels) + c) * inputSize) + q++];
                    long tap = 0;
                    foreach (long[] k in RowMajor.Indices(kernel))
                    {
                        bool inside = true;
                        for (int axis = 0; axis < to.Length; axis++)
                        {
                            position[axis] = (at[axis] * window.Strides[axis]) + (k[axis] * window.Dilations[axis]) - window.PadLow[axis].Value;
                            inside &= position[axis] >= 0 && position[axis] < to[axis];
                        }

                        if (inside)
                        {
                            for (long o = 0; o < perGroup; o++)
                                y[(((n * filters) + (group * perGroup) + o) * outputSize) + RowMajor.Offset(to, position)] += value * weights[(((c * perGroup) + o) * kernelSize) + tap];
                        }

                        tap++;
                    }
                }
            }
        }

        return [Elements.FromDoubles(outputs[0], y)];
    }

    /// <inheritdoc/>
    /// <remarks>Every output element gathers the inputs whose windows reach it: those at a whole number of strides.</remarks>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!, w = context.Inputs[1]!;
        Window window = WindowOf(x, w);
        long perGroup = w.Dims[1].Value, channelsPerGroup = w.Dims[0].Value / Group;
        Axis ic = context.Reduce("ic", channelsPerGroup);
        Axis[] taps = [.. window.Kernel.Select((extent, axis) => context.Reduce($"k{axis}", extent))];
        IndexExpr o = context.Index[1], channel = (o / perGroup * channelsPerGroup) + ic.Variable;

        Expr? whole = null;
        IndexExpr[] position = new IndexExpr[taps.Length];
        for (int axis = 0; axis < taps.Length; axis++)
        {
            long stride = window.Strides[axis];
            IndexExpr target = context.Index[axis + 2] + window.PadLow[axis] - (taps[axis].Variable * window.Dilations[axis]);
            // Whole strides are added and taken away: quotients are defined for non-negative operands.
            IndexExpr shift = IndexExpr.CeilDiv((window.Kernel[axis] - 1) * window.Dilations[axis], stride);
            IndexExpr shifted = target + (shift * stride);
            position[axis] = (shifted / stride) - shift;
            if (stride == 1) continue;
            Expr divides = LowerContext.Compare(BinaryOp.Equal, shifted % stride, 0);
            whole = whole is null ? divides : whole & divides;
        }

        Expr element = context.ReadPadded(0, Const.Of(x.Element, 0), [context.Index[0], channel, .. position]);
        if (whole is not null) element = whole.Choose(element, Const.Of(x.Element, 0));
        Expr weight = context.Read(1, [channel, o % perGroup, .. taps.Select(t => (IndexExpr)t.Variable)]).Widen();
        ElementType accumulate = x.Element.Arithmetic();
        Expr start = context.Has(2) ? context.Read(2, o).Widen() : Const.Of(accumulate, 0);
        Accumulator sum = context.Accumulate("sum", accumulate, start, acc => element.Widen().MultiplyAdd(weight, acc));
        return context.ReduceOver(KernelFamily.Convolution, [ic, .. taps], sum, acc => acc.To(context.Output.Element));
    }

    /// <inheritdoc/>
    /// <remarks>Counted as those of a convolution are, taps beyond the input among them: each output element meets one of its strides' taps.</remarks>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) => IndexExpr.CeilDiv(
        outputs[0].Count * inputs[1].Dims[0] * IndexExpr.Product(inputs[1].Dims.Skip(2)), Group * Strides.Aggregate(1L, (product, s) => product * s));
}
