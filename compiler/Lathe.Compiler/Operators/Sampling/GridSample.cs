using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Sampling;

/// <summary>
/// y[n, c, p…] = x[n, c] at the coordinates grid[n, p…], of which the first runs along the last axis, and -1 and 1 are the ends of an axis: the outer
/// edges of its elements, or their centres if <paramref name="AlignCorners"/>. Between elements it is interpolated; outside of x there are zeros, the
/// nearest elements (border), or x again and again in turn (reflection).
/// </summary>
public sealed record GridSample(bool AlignCorners = false, string Mode = "linear", string PaddingMode = "zeros") : Op, IOp<GridSample>
{
    /// <summary>The parameter of Keys' cubic interpolation that ONNX fixes.</summary>
    internal const double CubicCoeffA = -0.75;

    /// <inheritdoc/>
    public static OpSchema Schema => new("GridSample", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Reduction;

    /// <inheritdoc/>
    /// <remarks>Up to opset 19 modes are named for images.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        string mode = AttributeReader.Get(node, "mode", "linear") switch
        {
            "bilinear" => "linear",
            "bicubic" => "cubic",
            var other => other,
        };
        GridSample sample = new(AttributeReader.Get(node, "align_corners", 0L) != 0, mode, AttributeReader.Get(node, "padding_mode", "zeros"));
        return [builder.Add(sample, [.. node.Inputs])];
    }

    /// <inheritdoc/>
    public override bool ReadsAtData(int input) => input == 0;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = Mode == "nearest" ? context.Type(0) : context.Float(0), grid = context.Float(1);
        context.Require(Mode is "nearest" or "linear" or "cubic", $"mode '{Mode}' is unknown");
        context.Require(PaddingMode is "zeros" or "border" or "reflection", $"padding_mode '{PaddingMode}' is unknown");
        context.Require(x.Element != ElementType.String, "strings are not sampled");
        context.Require(x.Rank is >= 3 and <= 5, $"the input has rank {x.Rank}; 3 to 5 are supported");
        context.Require(
            grid.Rank == x.Rank && grid.Dims[0] == x.Dims[0] && grid.Dims[^1] == x.Rank - 2, $"grid {grid} does not have {x.Rank - 2} coordinates for places in {x}");
        TensorType y = new(x.Element, [x.Dims[0], x.Dims[1], .. grid.Dims.Skip(1).SkipLast(1)]);
        for (int i = 2; i < x.Rank; i++) context.Require(x.Dims[i].Range.Max > 0 || y.Count == IndexExpr.Zero, $"axis {i} of {x} has nothing to sample");
        context.Output(y);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        [GridSampleReference.Evaluate(this, inputs[0]!, inputs[1]!, outputs[0])];

    /// <inheritdoc/>
    /// <remarks>The neighbours along each axis are a reduction.</remarks>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        List<Axis> taps = [];
        List<Expr> places = [.. context.Index.Take(2).Select(i => i.ToExpr(ElementType.Int64))];
        Expr? weight = null, inside = null;
        for (int axis = 2; axis < x.Rank; axis++)
        {
            IndexExpr length = x.Dims[axis], tap = IndexExpr.Zero;
            SamplePoint point = SamplePoint.At(Coordinate(context, axis), length);
            if (Mode != "nearest")
            {
                Axis neighbours = context.Reduce($"k{axis - 2}", Mode == "linear" ? 2 : 4);
                taps.Add(neighbours);
                tap = neighbours.Variable;
                Expr own = Mode == "linear" ? point.Linear(tap) : Resize.CubicWeight(((tap - 1).ToExpr(point.Share.Type.Element) - point.Share).Of(UnaryOp.Abs), CubicCoeffA);
                weight = weight is null ? own : weight * own;
            }

            Expr place = point.Place(Mode == "cubic" ? tap - 1 : tap);
            if (PaddingMode == "reflection") place = Reflected(place, length);
            if (PaddingMode == "zeros") inside = inside is null ? SamplePoint.IsInside(place, length) : inside & SamplePoint.IsInside(place, length);
            places.Add(SamplePoint.Clamped(place, length));
        }

        Expr element = context.ReadAt(0, places);
        if (weight is null) return context.Map(OrZero(element));
        element = element.Widen();
        // A weight may be no number where nothing is read.
        Expr share = OrZero(element * weight.To(element.Type.Element));
        Accumulator sum = context.Accumulate("sum", element.Type.Element, Const.Of(element.Type, 0), acc => acc + share);
        return context.ReduceOver(KernelFamily.Pool, taps, sum, acc => acc.To(context.Output.Element));

        Expr OrZero(Expr value) => inside is null ? value : inside.Choose(value, Const.OfInteger(value.Type, 0));
    }

    /// <summary>Where along an axis the output's element lies, in elements; rounded for the nearest one.</summary>
    private Expr Coordinate(LowerContext context, int axis)
    {
        IndexExpr length = context.Inputs[0]!.Dims[axis];
        int component = context.Inputs[0]!.Rank - 1 - axis;
        Expr at = context.Read(1, [context.Index[0], .. context.Index.Skip(2), component]).Widen();
        ElementType element = at.Type.Element;
        at = AlignCorners ? (at + 1) / 2 * (length - 1).ToExpr(element) : (((at + 1) * length.ToExpr(element)) - 1) / 2;
        if (Mode == "nearest") at = at.Of(UnaryOp.Round);
        if (PaddingMode == "zeros") return at;
        Expr first = Const.Of(at.Type, AlignCorners ? 0 : -0.5), range = (AlignCorners ? length - 1 : length).ToExpr(element), last = first + range;
        Expr beyond = (at < first) | (at > last);
        if (PaddingMode == "border") return beyond.Choose(Const.Of(at.Type, 0).Max((length - 1).ToExpr(element).Min(at)), at);
        Expr distance = (at - first).Of(UnaryOp.Abs), turns = (distance / range).Of(UnaryOp.Floor), rest = distance - (turns * range);
        Expr even = ((turns / 2).Of(UnaryOp.Floor) * 2).EqualTo(turns), mirrored = even.Choose(first + rest, last - rest);
        return beyond.Choose((range > 0).Choose(mirrored, first), at);
    }

    /// <summary>The place that stands for one at most a few elements outside of an axis.</summary>
    private Expr Reflected(Expr place, IndexExpr length)
    {
        IndexExpr turn = AlignCorners ? IndexExpr.Max(1, (length - 1) * 2) : length * 2;
        // Whole turns are added first: of negative numbers the remainder is negative.
        Expr at = (place + (turn * 8).ToExpr(ElementType.Int64)) % turn.ToExpr(ElementType.Int64);
        Expr back = ((AlignCorners ? (length - 1) * 2 : (length * 2) - 1)).ToExpr(ElementType.Int64) - at;
        return (at < length.ToExpr(ElementType.Int64)).Choose(at, back);
    }
}
