using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// A resize whose scales, sizes or region of interest data determine. Scales become fractions and all of them symbols, so that the operator is the same
/// as with known ones. Which axes are interpolated is not known: they are resized one after the other.
/// </summary>
/// <param name="node">The ONNX node.</param>
/// <param name="g">Where nodes are made.</param>
/// <param name="form">The operator without scales, sizes and region.</param>
/// <param name="axes">The axes that these speak of.</param>
/// <param name="scalesInput">The input that scales are; sizes are input 3, the region is input 1.</param>
internal sealed class ResizeOfData(OnnxNode node, GraphBuilder g, Resize form, int[] axes, int scalesInput)
{
    /// <summary>The greatest numerator and denominator of a scale, and coordinate of a region in lengths of the input.</summary>
    private const long MaxFraction = 1L << 32, MaxRegion = 16;

    private readonly List<Value> _parts = [];
    private readonly List<IndexRange> _ranges = [];
    private readonly Value _x = node.Inputs[0];

    private bool Crops => form.CoordinateTransformationMode == "tf_crop_and_resize";

    private bool Aligns => form.CoordinateTransformationMode == "align_corners";

    /// <summary>The resized input.</summary>
    public Value Import()
    {
        if (axes.Distinct().Count() != axes.Length) throw node.Bad($"axes {string.Join(", ", axes)} name one twice");
        if (axes.Length == 0) return _x;
        bool nearest = form.Mode == "nearest";
        if (!nearest && form.CoordinateTransformationMode == "tf_half_pixel_for_nn") throw node.Bad("coordinates for the nearest element are not interpolated by a scale that data determine");

        Func<IReadOnlyList<IndexExpr>, int, AxisScale> scale = ResizeImport.Given(node, scalesInput) ? Scales() : Sizes();
        Func<IReadOnlyList<IndexExpr>, int, ResizeRegion> region = Region();
        Value all = _parts.Count == 1 ? _parts[0] : g.Add(new Concat(0), [.. _parts]);
        Value measured = Measure.Of(g, all, _ranges, s => Enumerable.Range(0, axes.Length).SelectMany(i => Checks(_x.Type.Dims[axes[i]], scale(s, i))));
        IReadOnlyList<IndexExpr> symbols = measured.Contents!.Value;
        Value y = View.After(g, _x, measured);
        if (nearest) return g.Add(Of(_x.Type, [.. Enumerable.Range(0, axes.Length)]), y);

        // The last pass rounds, not each.
        ElementType element = _x.Type.Element;
        bool isWide = element is ElementType.Float32 or ElementType.Float64;
        if (!isWide) y = View.After(g, g.Add(new Cast(ElementType.Float32), y), measured);
        for (int i = 0; i < axes.Length; i++) y = View.After(g, g.Add(Of(y.Type, i), y), measured);
        return isWide ? y : g.Add(new Cast(element), y);

        Resize Of(TensorType from, params ReadOnlySpan<int> resized)
        {
            IndexExpr[] sizes = [.. from.Dims], fractions = [.. Enumerable.Repeat(IndexExpr.One, 2 * from.Rank)];
            IndexExpr[] regions = [.. Enumerable.Range(0, 2 * from.Rank).Select(i => (IndexExpr)(i < from.Rank ? 0 : ResizeRegion.DataUnit))];
            bool isScaled = false;
            foreach (int i in resized)
            {
                AxisScale own = scale(symbols, i);
                sizes[axes[i]] = own.Size;
                if (own.Fraction is var (p, q)) (fractions[2 * axes[i]], fractions[(2 * axes[i]) + 1], isScaled) = (p, q, true);
                (regions[axes[i]], regions[axes[i] + from.Rank], _) = region(symbols, i);
            }

            return form with { Sizes = sizes, Fractions = isScaled ? fractions : default(EquatableArray<IndexExpr>), Region = Crops ? regions : default(EquatableArray<IndexExpr>) };
        }
    }

    /// <summary>Adds something to what is measured, and tells where it begins.</summary>
    private int Part(Value value, long min, long max)
    {
        int at = _ranges.Count;
        _parts.Add(value);
        _ranges.AddRange(Enumerable.Repeat(new IndexRange(min, max), (int)value.Type.Count.Value));
        return at;
    }

    private Func<IReadOnlyList<IndexExpr>, int, AxisScale> Scales()
    {
        int at = Part(g.Add(new ScaleFractions(), Floats(scalesInput, axes.Length, "its scales", ElementType.Float32)), 1, MaxFraction);
        return (s, i) =>
        {
            (IndexExpr p, IndexExpr q) = (s[at + (2 * i)], s[at + (2 * i) + 1]);
            return new AxisScale(_x.Type.Dims[axes[i]] * p / q, (p, q));
        };
    }

    private Func<IReadOnlyList<IndexExpr>, int, AxisScale> Sizes()
    {
        if (!node.Has(3)) throw node.Bad("it has neither scales nor sizes");
        Value sizes = node.IsKnown(3) ? RuntimeShapes.AsVector(g, node.Inputs[3]) : OnnxInputs.Vector(node, g, 3, "its sizes");
        if (sizes.Type.Count != axes.Length) throw node.Bad($"sizes {sizes.Type} do not fit {axes.Length} axes");
        string policy = ResizeImport.AspectPolicy(node);
        if (policy == "stretch")
        {
            int all = Part(sizes, 0, RuntimeShapes.Max);
            return (s, i) => new AxisScale(s[all + i], null);
        }

        // One scale holds for all axes, for which the sizes are bounds.
        Cast wide = new(ElementType.Float64);
        Value lengths = g.Add(wide, g.Add(new Gather(), RuntimeShapes.Dims(g, _x), RuntimeShapes.Vector(g, [.. axes.Select(a => (long)a)])));
        Value ratios = g.Add(new Div(), g.Add(wide, sizes), lengths);
        Value scale = policy == "not_larger" ? g.Add(new ReduceMin((EquatableArray<long>)[0L], true), ratios) : g.Add(new ReduceMax((EquatableArray<long>)[0L], true), ratios);
        Value half = g.Constant(TensorData.Of(ElementType.Float64, (ReadOnlySpan<double>)[0.5]));
        Value lengthsOut = g.Add(new Cast(ElementType.Int64), g.Add(new Floor(), g.Add(new Add(), g.Add(new Mul(), scale, lengths), half)));
        lengthsOut = RuntimeShapes.Checked(g, RuntimeShapes.All(g, g.Add(new Less(), RuntimeShapes.Vector(g, -1), sizes)), lengthsOut);
        int fraction = Part(g.Add(new ScaleFractions(), g.Add(new Cast(ElementType.Float32), scale)), 1, MaxFraction), kept = Part(lengthsOut, 0, RuntimeShapes.Max);
        return (s, i) => new AxisScale(s[kept + i], (s[fraction], s[fraction + 1]));
    }

    private Func<IReadOnlyList<IndexExpr>, int, ResizeRegion> Region()
    {
        if (!Crops) return (_, _) => ResizeRegion.Whole;
        if (!node.Has(1)) throw node.Bad("it has no region of interest");
        Value unit = g.Constant(TensorData.Of(ElementType.Float64, (ReadOnlySpan<double>)[ResizeRegion.DataUnit]));
        Value fixedPoint = g.Add(new Cast(ElementType.Int64), g.Add(new Round(), g.Add(new Mul(), Floats(1, 2 * axes.Length, "its region of interest", ElementType.Float64), unit)));
        int at = Part(fixedPoint, -MaxRegion * ResizeRegion.DataUnit, MaxRegion * ResizeRegion.DataUnit);
        return (s, i) => new ResizeRegion(s[at + i], s[at + axes.Length + i], ResizeRegion.DataUnit);
    }

    private Value Floats(int input, int count, string what, ElementType element)
    {
        Value value = node.Inputs[input];
        if (!value.Type.Element.IsFloat() || value.Type.Rank != 1 || value.Type.Count != count) throw node.Bad($"{what} are {value.Type}, not {count} floats");
        return value.Type.Element == element ? value : g.Add(new Cast(element), value);
    }

    /// <summary>
    /// That there is something to resize, and that no product in the coordinates (<see cref="ResizeAxis"/>) leaves 64 bits: then no index does, whatever the
    /// data are.
    /// </summary>
    private IEnumerable<IndexExpr> Checks(IndexExpr length, AxisScale scale)
    {
        const long Small = 1L << 32, Medium = 1L << 40, Large = 1L << 52;
        IndexExpr size = scale.Size;
        (IndexExpr p, IndexExpr q) = scale.Fraction ?? (size, length);
        yield return (length * RuntimeShapes.Max) - size;
        yield return Large - (p * (length + 2));
        yield return Large - (q * (size + 2));
        (IndexExpr last, IndexExpr unit) = scale.Fraction is null ? (size, IndexExpr.One) : (length * p, q);
        if (Crops || Aligns)
        {
            yield return (Crops ? Small : Large) - ((length + 2) * unit * (size + 2));
            yield return (Crops ? Small : Large) - ((length + 2) * last);
        }

        // An antialiasing filter adds 2^20 denominators to a coordinate, and has as many taps as the scale is small.
        if (form.Antialias) yield return Medium - (Crops ? (last + 2) * ResizeRegion.DataUnit : Aligns ? last : p * 2);
    }

    /// <summary>The length of an axis of the output, and the scale where it is not the quotient of the lengths.</summary>
    private readonly record struct AxisScale(IndexExpr Size, (IndexExpr P, IndexExpr Q)? Fraction);
}
