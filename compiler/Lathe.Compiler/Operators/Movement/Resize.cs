using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// The input resampled along each axis: the nearest element, or a linear or cubic interpolation of its neighbours. The shape is
/// <paramref name="Sizes"/>, or if that is empty the input's times the scales; these are <paramref name="Scales"/> or <paramref name="Fractions"/>, or if
/// both are empty the quotient of the shapes. What data determine stands in <paramref name="Fractions"/>, numerator and denominator of each axis, and in
/// <paramref name="Region"/>, a start for each axis and then an end, in units of <see cref="ResizeRegion.DataUnit"/>.
/// </summary>
public sealed record Resize(
    EquatableArray<float> Scales,
    EquatableArray<IndexExpr> Sizes,
    bool Antialias = false,
    string CoordinateTransformationMode = "half_pixel",
    float CubicCoeffA = -0.75f,
    bool ExcludeOutside = false,
    float ExtrapolationValue = 0f,
    string Mode = "nearest",
    string NearestMode = "round_prefer_floor",
    EquatableArray<float> Roi = default,
    EquatableArray<IndexExpr> Fractions = default,
    EquatableArray<IndexExpr> Region = default) : Op, IOp<Resize>
{
    /// <summary>How many axes may be interpolated: each multiplies the elements that are read by 2 or 4.</summary>
    private const int MaxInterpolated = 3;

    /// <summary>The greatest coordinate of a region of interest, in lengths of the input.</summary>
    private const float MaxRoi = 1 << 10;

    /// <inheritdoc/>
    public static OpSchema Schema => new("Resize", 1, 4);

    /// <inheritdoc/>
    /// <remarks>A filter that widens with the scale is a reduction; the rest reads a few elements.</remarks>
    public override OpRole Role => Widens ? OpRole.Reduction : OpRole.Movement;

    private bool Widens => Antialias && Mode != "nearest";

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        if (ResizeImport.IsStatic(node)) return [builder.Add(ResizeImport.Read(node), node.Inputs[0])];
        return [new ResizeOfData(node, builder, ResizeImport.Form(node), ResizeImport.Axes(node), node.Opset < 11 ? 1 : 2).Import()];
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement)
    {
        return this with { Sizes = Replace(Sizes), Fractions = Replace(Fractions), Region = Replace(Region) };

        EquatableArray<IndexExpr> Replace(EquatableArray<IndexExpr> all) => all.Select(e => e.Substitute(replacement)).ToEquatableArray();
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = Mode == "nearest" ? context.Type(0) : context.Numeric(0);
        context.Require(Mode is "nearest" or "linear" or "cubic", $"mode '{Mode}' is unknown");
        context.Require(NearestMode is "round_prefer_floor" or "round_prefer_ceil" or "floor" or "ceil" or "simple", $"nearest_mode '{NearestMode}' is unknown");
        context.Require(
            CoordinateTransformationMode is "half_pixel" or "half_pixel_symmetric" or "pytorch_half_pixel" or "align_corners" or "asymmetric"
                or "tf_half_pixel_for_nn" or "tf_crop_and_resize",
            $"coordinate_transformation_mode '{CoordinateTransformationMode}' is unknown");
        context.Require(Scales.Length == x.Rank || (Scales.Length == 0 && (Sizes.Length > 0 || Fractions.Length > 0)), $"{Scales.Length} scales do not fit {x}");
        context.Require(Fractions.Length == 0 || (Fractions.Length == 2 * x.Rank && Fractions.All(f => f.Range.Min > 0)), $"the scales {Fractions} do not fit {x}");
        context.Require(Region.Length == 0 || Region.Length == 2 * x.Rank, $"a region of interest of {Region.Length} values does not fit {x}");
        context.Require(Sizes.Length == x.Rank || Sizes.Length == 0, $"{Sizes.Length} sizes do not fit {x}");
        context.Require(Scales.All(s => s > 1e-6f && s < 1e6f), $"scales {Scales} are not positive or too far from 1");
        context.Require(Roi.Length == 0 || Roi.Length == 2 * x.Rank, $"a region of interest of {Roi.Length} values does not fit {x}");
        context.Require(Roi.All(r => Math.Abs(r) <= MaxRoi), $"the region of interest {Roi} is too large");
        EquatableArray<IndexExpr> dims = Sizes.Length > 0 ? Sizes : x.Dims.Select((d, i) => d * Scale(i)!.Value.P / Scale(i)!.Value.Q).ToEquatableArray();
        for (int i = 0; i < x.Rank; i++) context.Require(x.Dims[i].Range.Max > 0 || dims[i] == IndexExpr.Zero, $"axis {i} of {x} has nothing to resize");
        ResizeAxis[] axes = Axes(x, dims);
        context.Require(
            Mode == "nearest" || axes.Count(a => !a.IsIdentity) <= MaxInterpolated, $"more than {MaxInterpolated} axes are interpolated");
        context.Output(new TensorType(x.Element, dims));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        [ResizeReference.Evaluate(this, inputs[0]!, outputs[0])];

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        ResizeAxis[] axes = Axes(context.Inputs[0]!, context.Output.Dims);
        if (Mode == "nearest") return context.Map(Extrapolated(context, axes, context.Read(0, [.. axes.Select((a, i) => a.Nearest(NearestMode, context.Index[i]))])));
        if (Widens) return LowerFilter(context, axes);
        Expr value = Interpolate(context, axes, [.. context.Index], axes.Length - 1);
        return context.Map(Extrapolated(context, axes, value.To(context.Output.Element)));
    }

    /// <summary>The maps of all axes.</summary>
    internal ResizeAxis[] Axes(TensorType x, IReadOnlyList<IndexExpr> output)
    {
        ResizeAxis[] axes = new ResizeAxis[x.Rank];
        for (int i = 0; i < axes.Length; i++)
        {
            ResizeRegion region = Region.Length > 0 ? new ResizeRegion(Region[i], Region[i + axes.Length], ResizeRegion.DataUnit)
                : Roi.Length > 0 ? ResizeRegion.Of(Roi[i], Roi[i + axes.Length])
                : ResizeRegion.Whole;
            axes[i] = ResizeAxis.Of(CoordinateTransformationMode, x.Dims[i], output[i], Scale(i), region);
        }

        return axes;
    }

    /// <summary>The scale of an axis as a fraction; null if it is the quotient of the shapes.</summary>
    private (IndexExpr P, IndexExpr Q)? Scale(int axis)
    {
        if (Fractions.Length > 0) return (Fractions[2 * axis], Fractions[(2 * axis) + 1]);
        if (Scales.Length == 0) return null;
        (long p, long q) = Runtime.Routines.ScaleFractions.Of(Scales[axis]);
        return (p, q);
    }

    private Expr Extrapolated(LowerContext context, ResizeAxis[] axes, Expr value)
    {
        for (int i = axes.Length - 1; i >= 0; i--)
        {
            if (!axes[i].Extrapolates) continue;
            IndexExpr at = axes[i].Numerator(context.Index[i]), last = (axes[i].Input - 1) * axes[i].C;
            Expr inside = LowerContext.Compare(BinaryOp.LessOrEqual, 0, at) & LowerContext.Compare(BinaryOp.LessOrEqual, at, last);
            value = inside.Choose(value, Const.Of(value.Type, ExtrapolationValue));
        }

        return value;
    }

    /// <summary>
    /// The interpolation along the axes up to one, of elements whose index along the axes behind is chosen: rows are blended first, so that columns between the same two
    /// share what that gives.
    /// </summary>
    private Expr Interpolate(LowerContext context, ResizeAxis[] axes, IndexExpr[] index, int axis)
    {
        if (axis < 0) return Widened(context.Read(0, index));
        ResizeAxis map = axes[axis];
        if (map.IsIdentity) return Interpolate(context, axes, index, axis - 1);
        IndexExpr at = map.Numerator(context.Index[axis]), last = map.Input - 1;
        if (Mode == "linear")
        {
            IndexExpr clamped = IndexExpr.Max(0, IndexExpr.Min(at, last * map.C)), low = clamped / map.C;
            Expr near = At(low), far = At(IndexExpr.Min(low + 1, last)), share = Share(clamped, map, near.Type.Element);
            return far.MultiplyAdd(share, near * (1 - share));
        }

        // Whole elements are added first: quotients are defined for non-negative operands, and coordinates start above -3.
        const long Shift = 4;
        IndexExpr shifted = at + (map.C * Shift), first = (shifted / map.C) - Shift - 1;
        Expr[] taps = [.. Enumerable.Range(0, 4).Select(i => At(IndexExpr.Max(0, IndexExpr.Min(first + i, last))))];
        Expr[] weights = Cubic(Share(shifted, map, taps[0].Type.Element));
        if (!ExcludeOutside) return taps.Select((tap, i) => tap * weights[i]).Aggregate((a, b) => a + b);
        for (int i = 0; i < 4; i++)
        {
            Expr inside = LowerContext.Compare(BinaryOp.LessOrEqual, 0, first + i) & LowerContext.Compare(BinaryOp.LessOrEqual, first + i, last);
            weights[i] = inside.Choose(weights[i], Const.Of(weights[i].Type, 0));
        }

        return taps.Select((tap, i) => tap * weights[i]).Aggregate((a, b) => a + b) / weights.Aggregate((a, b) => a + b);

        Expr At(IndexExpr place)
        {
            IndexExpr[] chosen = [.. index];
            chosen[axis] = place;
            return Interpolate(context, axes, chosen, axis - 1);
        }
    }

    /// <summary>Σ weight · x / Σ weight over the filter's taps, which are as many as the scale asks for.</summary>
    private LoweredOp LowerFilter(LowerContext context, ResizeAxis[] axes)
    {
        List<Axis> taps = [];
        IndexExpr[] index = [.. context.Index];
        Expr? weight = null;
        for (int i = 0; i < axes.Length; i++)
        {
            ResizeAxis map = axes[i];
            if (map.IsIdentity) continue;
            // A filter is stretched where the output is smaller.
            IndexExpr shrunk = IndexExpr.Max(1, IndexExpr.Min(map.Grown, map.Original)), start = 1 - IndexExpr.CeilDiv(map.Original * ResizeReference.Reach(Mode), shrunk);
            Axis tap = context.Reduce($"k{i}", 2 - (start * 2));
            taps.Add(tap);
            // The neighbour on the left is the one before the coordinate also where that is whole.
            IndexExpr shifted = map.Numerator(context.Index[i]) + (map.C * (1L << 20)) - 1, left = (shifted / map.C) - (1L << 20);
            IndexExpr place = left + start + tap.Variable;
            Expr share = (((shifted % map.C) + 1).ToExpr(ElementType.Int64).To(ElementType.Float32)) / map.C.ToExpr(ElementType.Float32);
            Expr distance = (((IndexExpr)tap.Variable) + start).ToExpr(ElementType.Float32) - share;
            distance = double.IsNaN(map.Scale)
                ? distance * shrunk.ToExpr(ElementType.Float32) / map.Original.ToExpr(ElementType.Float32)
                : distance * Math.Min(map.Scale, 1);
            Expr own = Mode == "linear" ? Const.Of(distance.Type, 0).Max(1 - distance.Of(UnaryOp.Abs)) : CubicAt(distance.Of(UnaryOp.Abs));
            if (ExcludeOutside)
            {
                Expr inside = LowerContext.Compare(BinaryOp.LessOrEqual, 0, place) & LowerContext.Compare(BinaryOp.Less, place, map.Input);
                own = inside.Choose(own, Const.Of(own.Type, 0));
            }

            weight = weight is null ? own : weight * own;
            index[i] = IndexExpr.Max(0, IndexExpr.Min(place, map.Input - 1));
        }

        Expr x = Widened(context.Read(0, index));
        if (weight is null) return context.Map(x.To(context.Output.Element));
        Accumulator sum = context.Accumulate("sum", x.Type.Element, Const.Of(x.Type, 0), acc => x.MultiplyAdd(weight.To(x.Type.Element), acc));
        Accumulator all = context.Accumulate("weights", x.Type.Element, Const.Of(x.Type, 0), acc => acc + weight.To(x.Type.Element));
        Expr result = (sum.Value / all.Value).To(context.Output.Element);
        return new LoweredOp(KernelFamily.Pool, [new LoweredPass(context.Axes, taps.ToEquatableArray(), [sum, all], Extrapolated(context, axes, result))]);
    }

    /// <summary>Integers are interpolated as floats.</summary>
    private static Expr Widened(Expr x) => x.Type.Element.IsFloat() ? x.Widen() : x.To(ElementType.Float32);

    /// <summary>How far a coordinate lies behind the element before it.</summary>
    private static Expr Share(IndexExpr numerator, ResizeAxis map, ElementType element) =>
        (numerator % map.C).ToExpr(element) / map.C.ToExpr(element);

    /// <summary>The weights of the four neighbours of a coordinate that lies a share behind the second.</summary>
    private Expr[] Cubic(Expr share) => [CubicAt(1 + share), CubicNear(share, CubicCoeffA), CubicNear(1 - share, CubicCoeffA), CubicAt(2 - share)];

    private Expr CubicAt(Expr d) => CubicWeight(d, CubicCoeffA);

    /// <summary>The weight of a neighbour at any distance: ((ad - 5a)d + 8a)d - 4a from 1 to 2, 0 behind.</summary>
    internal static Expr CubicWeight(Expr d, double a)
    {
        Expr far = ((((d * a) - (5 * a)) * d) + (8 * a)) * d - (4 * a);
        return (d <= 1).Choose(CubicNear(d, a), (d < 2).Choose(far, Const.Of(d.Type, 0)));
    }

    /// <summary>((a + 2)d - (a + 3))d² + 1, for a distance up to 1.</summary>
    private static Expr CubicNear(Expr d, double a) => (((d * (a + 2.0)) - (a + 3.0)) * d * d) + 1;
}
