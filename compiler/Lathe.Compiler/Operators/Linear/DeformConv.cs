using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Sampling;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// A convolution whose window's elements each read the input where an offset moves them to, between elements interpolated linearly, with zeros outside:
/// y[n, o, p] = b[o] + Σ x[n, c, p·stride + k·dilation - pad + offset[n, c, k, p]] · w[o, i, k] · mask[n, c, k, p]. Channels share offsets and masks in
/// <paramref name="OffsetGroup"/> groups. Inputs are x, w, the offsets [n, groups·window·axes, p…], the optional b and mask [n, groups·window, p…].
/// </summary>
public sealed record DeformConv(
    EquatableArray<long> Dilations = default,
    long Group = 1,
    EquatableArray<long> KernelShape = default,
    long OffsetGroup = 1,
    EquatableArray<long> Pads = default,
    EquatableArray<long> Strides = default) : Op, IOp<DeformConv>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("DeformConv", 3, 5);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override bool ReadsAtData(int input) => input == 0;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0), w = context.Type(1), offset = context.Type(2);
        context.Require(x.Rank is >= 3 and <= 5, $"the input has rank {x.Rank}; 3 to 5 are supported");
        context.Require(w.Rank == x.Rank && offset.Rank == x.Rank, $"weights {w} or offsets {offset} do not have the rank of {x}");
        for (int i = 1; i < 5; i++)
            if (context.Has(i)) context.RequireSameElement(0, i);
        Window.Check(context, x.Rank - 2, "NOTSET", Strides, Dilations, Pads);
        context.Require(x.Dims[1].IsConstant && w.IsStatic, $"the channels of {x} or the weights {w} are not known");
        long channels = x.Dims[1].Value, filters = w.Dims[0].Value, window = IndexExpr.Product(w.Dims.Skip(2)).Value;
        context.Require(Group > 0 && w.Dims[1] * Group == x.Dims[1] && filters % Group == 0, $"weights {w} in {Group} groups do not fit input {x}");
        context.Require(OffsetGroup > 0 && channels % OffsetGroup == 0, $"{channels} channels do not divide into {OffsetGroup} groups of offsets");
        context.Require(
            KernelShape.Length == 0 || KernelShape.Select(k => (IndexExpr)k).SequenceEqual(w.Dims.Skip(2)),
            $"kernel_shape {KernelShape} is not that of the weights {w}");
        Window windows = WindowOf(x, w);
        windows.RequireFits(context);
        for (int i = 2; i < x.Rank; i++) context.Require(x.Dims[i].Range.Max > 0, $"axis {i} of {x} has nothing to sample");
        IndexExpr[] Expected(long rows) => [x.Dims[0], rows, .. windows.Output];
        context.Require(offset.Dims.SequenceEqual(Expected(checked(OffsetGroup * window * (x.Rank - 2)))), $"offsets {offset} do not fit {x}");
        if (context.Has(3)) context.Require(context.Type(3).Dims is [var only] && only == w.Dims[0], $"the bias is {context.Type(3)}, not a vector of {filters}");
        if (context.Has(4)) context.Require(context.Type(4).Dims.SequenceEqual(Expected(checked(OffsetGroup * window))), $"the mask {context.Type(4)} does not fit {x}");
        context.Output(x.Element, [x.Dims[0], w.Dims[0], .. windows.Output]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, w = inputs[1]!, offset = inputs[2]!, y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        TensorData? bias = inputs.ElementAtOrDefault(3), mask = inputs.ElementAtOrDefault(4);
        Window window = WindowOf(TensorType.Of(x.Element, x.Dims), TensorType.Of(w.Element, w.Dims));
        int axes = x.Dims.Length - 2, next = 0;
        long[] kernel = w.Dims[2..], spatial = x.Dims[2..];
        double[] at = new double[axes];
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            double sum = bias?.GetDouble((int)index[1]) ?? 0;
            foreach (long[] tap in RowMajor.Indices([w.Dims[1], .. kernel]))
            {
                long channel = (index[1] / (w.Dims[0] / Group) * w.Dims[1]) + tap[0];
                long row = (channel / (x.Dims[1] / OffsetGroup) * RowMajor.Count(kernel)) + RowMajor.Offset(kernel, tap.AsSpan(1));
                for (int axis = 0; axis < axes; axis++)
                {
                    double moved = offset.GetDouble((int)RowMajor.Offset(offset.Dims, [index[0], (row * axes) + axis, .. index.Skip(2)]));
                    at[axis] = (index[axis + 2] * window.Strides[axis]) + (tap[axis + 1] * window.Dilations[axis]) - window.PadLow[axis].Value + moved;
                }

                double factor = mask is null ? 1 : mask.GetDouble((int)RowMajor.Offset(mask.Dims, [index[0], row, .. index.Skip(2)]));
                long plane = ((index[0] * x.Dims[1]) + channel) * RowMajor.Count(spatial);
                sum += Interpolate(x, plane, spatial, at) * factor * w.GetDouble((int)RowMajor.Offset(w.Dims, [index[1], .. tap]));
            }

            y.SetDouble(next++, sum);
        }

        return [y];
    }

    /// <inheritdoc/>
    /// <remarks>The neighbours along each axis are a reduction, like the window.</remarks>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!, w = context.Inputs[1]!;
        Window window = WindowOf(x, w);
        IndexExpr n = context.Index[0], o = context.Index[1];
        Axis ic = context.Reduce("ic", w.Dims[1]);
        Axis[] taps = [.. window.Kernel.Select((extent, axis) => context.Reduce($"k{axis}", extent))];
        Axis[] neighbours = [.. taps.Select((_, axis) => context.Reduce($"c{axis}", 2))];
        IndexExpr[] tap = [.. taps.Select(t => (IndexExpr)t.Variable)], position = [.. context.Index.Skip(2)];
        IndexExpr channel = Group == 1 ? ic.Variable : (o / (w.Dims[0].Value / Group) * w.Dims[1]) + ic.Variable;
        IndexExpr group = OffsetGroup == 1 ? IndexExpr.Zero : channel / (x.Dims[1].Value / OffsetGroup);
        IndexExpr row = (group * IndexExpr.Product(window.Kernel)) + RowMajor.Offset(window.Kernel, tap);

        List<Expr> places = [n.ToExpr(ElementType.Int64), channel.ToExpr(ElementType.Int64)];
        Expr weight = context.Read(1, [o, ic.Variable, .. tap]).Widen();
        if (context.Has(4)) weight *= context.Read(4, [n, row, .. position]).Widen();
        Expr? inside = null;
        for (int axis = 0; axis < taps.Length; axis++)
        {
            Expr moved = context.Read(2, [n, (row * taps.Length) + axis, .. position]).Widen();
            SamplePoint point = SamplePoint.At(moved + window.Position(axis, position[axis], tap[axis]).ToExpr(moved.Type.Element), x.Dims[axis + 2]);
            Expr place = point.Place(neighbours[axis].Variable), isInside = SamplePoint.IsInside(place, x.Dims[axis + 2]);
            inside = inside is null ? isInside : inside & isInside;
            weight *= point.Linear(neighbours[axis].Variable);
            places.Add(SamplePoint.Clamped(place, x.Dims[axis + 2]));
        }

        // A weight may be no number where nothing is read.
        Expr zero = Const.OfInteger(weight.Type, 0), product = inside!.Choose(context.ReadAt(0, places).Widen() * weight, zero);
        Accumulator sum = context.Accumulate("sum", weight.Type.Element, context.Has(3) ? context.Read(3, o).Widen() : zero, acc => acc + product);
        return context.ReduceOver(KernelFamily.Reduction, [ic, .. taps, .. neighbours], sum, acc => acc.To(context.Output.Element));
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) =>
        outputs[0].Count * IndexExpr.Product(inputs[1].Dims.Skip(1));

    private Window WindowOf(TensorType x, TensorType w) =>
        Window.Resolve([.. x.Dims.Skip(2)], [.. w.Dims.Skip(2)], "NOTSET", Strides, Dilations, Pads);

    private static double Interpolate(TensorData x, long plane, long[] spatial, double[] at)
    {
        double sum = 0;
        long[] place = new long[spatial.Length];
        foreach (long[] corner in RowMajor.Indices([.. spatial.Select(_ => 2L)]))
        {
            double weight = 1;
            bool inside = true;
            for (int axis = 0; axis < spatial.Length; axis++)
            {
                double low = Math.Floor(at[axis]);
                inside &= low + corner[axis] >= 0 && low + corner[axis] < spatial[axis];
                weight *= corner[axis] == 0 ? 1 - (at[axis] - low) : at[axis] - low;
                place[axis] = inside ? (long)low + corner[axis] : 0;
            }

            if (inside) sum += weight * x.GetDouble((int)(plane + RowMajor.Offset(spatial, place)));
        }

        return sum;
    }
}
