using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Sampling;

/// <summary>
/// Regions [x1, y1, x2, y2] of images, each cut into <paramref name="OutputHeight"/> × <paramref name="OutputWidth"/> bins: the mean, or the greatest
/// share, of points that lie evenly in a bin and are interpolated linearly. Along an axis a bin has <paramref name="SamplingRatio"/> points, or if that
/// is 0 as many as it has elements, rounded up. Inputs are the images, the regions, and which image each region lies in.
/// </summary>
public sealed record RoiAlign(
    string CoordinateTransformationMode = "half_pixel",
    string Mode = "avg",
    long OutputHeight = 1,
    long OutputWidth = 1,
    long SamplingRatio = 0,
    float SpatialScale = 1f) : Op, IOp<RoiAlign>
{
    private const long MaxSize = 1 << 20;

    /// <inheritdoc/>
    public static OpSchema Schema => new("RoiAlign", 3, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Reduction;

    /// <inheritdoc/>
    /// <remarks>Up to opset 15 regions are not moved by half an element.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        RoiAlign op = AttributeReader.Read<RoiAlign>(node);
        Value images = Movement.CheckIndices.Of(node, builder, node.Inputs[2], node.Inputs[0], 0);
        return [builder.Add(node.Opset < 16 ? op with { CoordinateTransformationMode = "output_half_pixel" } : op, node.Inputs[0], node.Inputs[1], images)];
    }

    /// <inheritdoc/>
    public override bool ReadsAtData(int input) => input == 0;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0), regions = context.Type(1), images = context.Integer(2);
        context.RequireSameElement(0, 1);
        context.Require(Mode is "avg" or "max", $"mode '{Mode}' is unknown");
        context.Require(CoordinateTransformationMode is "half_pixel" or "output_half_pixel", $"coordinate_transformation_mode '{CoordinateTransformationMode}' is unknown");
        context.Require(OutputHeight is > 0 and <= MaxSize && OutputWidth is > 0 and <= MaxSize, $"an output of {OutputHeight} × {OutputWidth} is not supported");
        context.Require(SamplingRatio is >= 0 and <= MaxSize, $"sampling_ratio is {SamplingRatio}");
        context.Require(float.IsFinite(SpatialScale), $"spatial_scale is {SpatialScale}");
        context.Require(x.Rank == 4, $"the input has rank {x.Rank}, not 4");
        context.Require(regions.Rank == 2 && regions.Dims[1] == 4, $"{regions} are no regions");
        context.Require(images.Dims is [var only] && only == regions.Dims[0], $"{images} do not give an image for each of {regions}");
        foreach (int axis in (int[])[0, 2, 3])
            context.Require(x.Dims[axis].Range.Max > 0 || regions.Dims[0] == IndexExpr.Zero, $"axis {axis} of {x} has nothing to choose from");
        context.Output(x.Element, regions.Dims[0], x.Dims[1], OutputHeight, OutputWidth);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, regions = inputs[1]!, images = inputs[2]!, y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        int next = 0;
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            long image = Movement.Gather.Place(images.GetInt64((int)index[0]), x.Dims[0]);
            int plane = (int)(((image * x.Dims[1]) + index[1]) * x.Dims[2] * x.Dims[3]), region = (int)index[0] * 4;
            ((double Low, double Share, bool Inside)[] rows, double height) = Points(regions, region + 1, x.Dims[2], index[2], OutputHeight);
            ((double Low, double Share, bool Inside)[] columns, double width) = Points(regions, region, x.Dims[3], index[3], OutputWidth);
            double sum = 0, max = double.NegativeInfinity;
            foreach ((double Low, double Share, bool Inside) row in rows)
            {
                foreach ((double Low, double Share, bool Inside) column in columns)
                {
                    for (int corner = 0; corner < 4; corner++)
                    {
                        long h = Math.Min((long)row.Low + (corner / 2), x.Dims[2] - 1), w = Math.Min((long)column.Low + (corner % 2), x.Dims[3] - 1);
                        double weight = (corner / 2 == 0 ? 1 - row.Share : row.Share) * (corner % 2 == 0 ? 1 - column.Share : column.Share);
                        double share = row.Inside && column.Inside ? weight * x.GetDouble(plane + (int)((h * x.Dims[3]) + w)) : 0;
                        sum += share;
                        max = Math.Max(max, share);
                    }
                }
            }

            double count = height * width;
            y.SetDouble(next++, count == 0 ? 0 : Mode == "avg" ? sum / count : max);
        }

        return [y];
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The number of points is data where it is not given. Points outside of the image are worth 0, so that it is enough to run over as many as can lie
    /// inside, and one on either side: points are more than half an element apart where there are several.
    /// </remarks>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        Expr image = Movement.Gather.Place(context.Read(2, context.Index[0]), x.Dims[0]);
        List<Expr> places = [image, context.Index[1].ToExpr(ElementType.Int64)];
        List<Axis> points = [], corners = [];
        Expr? weight = null, inside = null, exists = null, count = null;
        for (int axis = 2; axis < 4; axis++)
        {
            IndexExpr length = x.Dims[axis];
            long bins = axis == 2 ? OutputHeight : OutputWidth;
            Axis point = context.Reduce($"p{axis - 2}", SamplingRatio > 0 ? SamplingRatio : (length * 2) + 5), corner = context.Reduce($"c{axis - 2}", 2);
            points.Add(point);
            corners.Add(corner);

            (Expr start, Expr size) = Region(context, axis == 2 ? 1 : 0);
            ElementType element = start.Type.Element;
            Expr bin = size / bins, number = Number(bin), step = bin / number, end = length.ToExpr(element);
            Expr first = start + (context.Index[axis].ToExpr(element) * bin), at = ((IndexExpr)point.Variable).ToExpr(element);
            if (SamplingRatio == 0)
            {
                // From the last point before the image on.
                Expr before = (((-1 - first) / step) - 0.5).Of(UnaryOp.Floor);
                at += Const.Of(before.Type, 0).Max(number.Min(before));
                Both(ref exists, at < number);
            }

            Expr place = first + ((at + 0.5) * step), low = Const.Of(place.Type, 0).Max(place);
            Both(ref inside, (place >= -1) & (place <= end));
            SamplePoint sample = SamplePoint.At(low, length);
            Expr atEdge = sample.Low >= (length - 1).ToExpr(ElementType.Int64);
            Expr own = LowerContext.Compare(BinaryOp.Equal, corner.Variable, 0).Choose(
                atEdge.Choose(Const.Of(place.Type, 1), 1 - sample.Share), atEdge.Choose(Const.Of(place.Type, 0), sample.Share));
            weight = weight is null ? own : weight * own;
            Expr positive = Const.Of(number.Type, 0).Max(number);
            count = count is null ? positive : count * positive;
            places.Add(SamplePoint.Clamped(sample.Place(corner.Variable), length));
        }

        Expr zero = Const.OfInteger(weight!.Type, 0), share = inside!.Choose(context.ReadAt(0, places).Widen() * weight, zero);
        bool isMean = Mode == "avg";
        Accumulator all = context.Accumulate("all", zero.Type.Element, isMean ? zero : Elements.Lowest(zero.Type.Element), Step);
        Expr result = (count! > 0).Choose(isMean ? all.Value / count! : all.Value, zero);
        LoweredPass pass = new(context.Axes, [.. points, .. corners], [all], result.To(context.Output.Element));
        return new LoweredOp(KernelFamily.Pool, [pass]);

        Expr Step(Expr acc)
        {
            Expr next = isMean ? acc + share : acc.Max(share);
            return exists is null ? next : exists.Choose(next, acc);
        }

        // How many points a bin has along an axis.
        Expr Number(Expr bin) => SamplingRatio > 0 ? Const.Of(bin.Type, SamplingRatio) : bin.Of(UnaryOp.Ceiling);

        static void Both(ref Expr? all, Expr condition) => all = all is null ? condition : all & condition;
    }

    /// <summary>Where the region of the output's index starts along an axis, and how long it is, in elements.</summary>
    private (Expr Start, Expr Size) Region(LowerContext context, int coordinate)
    {
        Expr start = At(coordinate), size = At(coordinate + 2) - start;
        return (start, Moves ? size : size.Max(Const.Of(size.Type, 1)));

        Expr At(int column) => (context.Read(1, context.Index[0], column).Widen() * SpatialScale) - (Moves ? 0.5 : 0);
    }

    /// <summary>
    /// The points of a bin along an axis: the place before each, how far behind that it lies, and whether it belongs to the image; and how many there
    /// are. Of those outside of the image, which are worth 0, only the nearest are listed: there may be any number.
    /// </summary>
    private ((double Low, double Share, bool Inside)[] Points, double Count) Points(TensorData regions, int coordinate, long length, long bin, long bins)
    {
        double start = (regions.GetDouble(coordinate) * SpatialScale) - (Moves ? 0.5 : 0), end = (regions.GetDouble(coordinate + 2) * SpatialScale) - (Moves ? 0.5 : 0);
        double size = (Moves ? end - start : Math.Max(end - start, 1)) / bins, count = SamplingRatio > 0 ? SamplingRatio : Math.Ceiling(size);
        if (!(count > 0)) return ([], 0);
        double step = size / count, first = start + (bin * size), from = 0, to = count - 1;
        if (SamplingRatio == 0)
        {
            from = Math.Clamp(Math.Floor(((-1 - first) / step) - 0.5), 0, to);
            to = Math.Clamp(Math.Ceiling(((length - first) / step) - 0.5), from, to);
        }

        List<(double Low, double Share, bool Inside)> points = [];
        for (double i = from; i <= to; i++)
        {
            double at = first + ((i + 0.5) * step), low = Math.Floor(Math.Max(at, 0));
            bool inside = at >= -1 && at <= length;
            points.Add(low >= length - 1 ? (length - 1, 0, inside) : (low, Math.Max(at, 0) - low, inside));
        }

        return ([.. points], count);
    }

    private bool Moves => CoordinateTransformationMode == "half_pixel";
}
