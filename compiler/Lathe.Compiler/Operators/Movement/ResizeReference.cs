using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The meaning of <see cref="Resize"/>: axis by axis, each output element a weighted sum of input elements.</summary>
internal static class ResizeReference
{
    /// <summary>The resized tensor.</summary>
    public static TensorData Evaluate(Resize resize, TensorData x, TensorType type)
    {
        long[] to = type.StaticDims;
        ResizeAxis[] axes = resize.Axes(TensorType.Of(x.Element, x.Dims), type.Dims);
        if (resize.Mode == "nearest" && !axes.Any(a => a.Extrapolates))
        {
            long[][] places = [.. axes.Select((a, i) => Enumerable.Range(0, (int)to[i]).Select(o => Nearest(resize.NearestMode, a, o)).ToArray())];
            return Elements.Rearrange(x, to, index => RowMajor.Offset(x.Dims, [.. index.Select((at, i) => places[i][at])]));
        }

        double[] values = x.ToDoubles();
        long[] dims = [.. x.Dims];
        for (int axis = 0; axis < dims.Length; axis++)
        {
            ResizeAxis map = axes[axis];
            if (map.IsIdentity) continue;
            List<(long Place, double Weight)>[] taps = [.. Enumerable.Range(0, (int)to[axis]).Select(o => Taps(resize, map, o))];
            (values, dims) = Apply(values, dims, axis, taps);
        }

        TensorData y = TensorData.Zeros(x.Element, to);
        int next = 0;
        foreach (long[] index in RowMajor.Indices(to))
        {
            bool outside = axes.Where((a, i) => a.Extrapolates && (Coordinate(a, index[i]) < 0 || Coordinate(a, index[i]) > a.Input.Value - 1)).Any();
            y.SetDouble(next, outside ? resize.ExtrapolationValue : values[next]);
            next++;
        }

        return y;
    }

    /// <summary>The first neighbour, counted from the one before the coordinate, and the number of neighbours that an antialiasing filter weighs.</summary>
    private static (int Start, int Count) Filter(string mode, double scale)
    {
        int start = (int)Math.Floor(-Reach(mode) / Math.Min(scale, 1)) + 1;
        return (start, 2 - (2 * start));
    }

    /// <summary>How many elements a filter reaches to either side.</summary>
    public static int Reach(string mode) => mode == "linear" ? 1 : 2;

    private static (double[] Values, long[] Dims) Apply(double[] values, long[] dims, int axis, List<(long Place, double Weight)>[] taps)
    {
        long[] result = [.. dims];
        result[axis] = taps.Length;
        long inner = RowMajor.Strides(dims)[axis];
        double[] sums = new double[RowMajor.Count(result)];
        for (int i = 0; i < sums.Length; i++)
        {
            long outer = i / inner / taps.Length, o = i / inner % taps.Length;
            foreach ((long place, double weight) in taps[o]) sums[i] += weight * values[(((outer * dims[axis]) + place) * inner) + (i % inner)];
        }

        return (sums, result);
    }

    private static double Coordinate(ResizeAxis map, long o) => (double)map.Numerator(o).Value / map.C.Value;

    private static long Nearest(string mode, ResizeAxis map, long o)
    {
        double at = Coordinate(map, o);
        double rounded = mode switch
        {
            "floor" => Math.Floor(at),
            "ceil" => Math.Ceiling(at),
            "round_prefer_ceil" => Math.Floor(at + 0.5),
            "simple" => map.Scale < 1 ? Math.Ceiling(at) : Math.Floor(at),
            _ => Math.Ceiling(at - 0.5),
        };
        return (long)Math.Clamp(rounded, 0, map.Input.Value - 1);
    }

    /// <summary>The input elements that an output element is made of, with weights that sum to 1.</summary>
    private static List<(long Place, double Weight)> Taps(Resize resize, ResizeAxis map, long o)
    {
        if (resize.Mode == "nearest") return [(Nearest(resize.NearestMode, map, o), 1)];
        double at = Coordinate(map, o), left = Math.Ceiling(at) - 1, scale = resize.Antialias ? Math.Min(map.Scale, 1) : 1;
        (int start, int count) = Filter(resize.Mode, scale);
        List<(long Place, double Weight)> taps = [];
        for (int i = start; i < start + count; i++)
        {
            double place = left + i, distance = Math.Abs(place - at) * scale;
            double weight = resize.Mode == "linear" ? Math.Max(0, 1 - distance) : Cubic(distance, resize.CubicCoeffA);
            bool inside = place >= 0 && place < map.Input.Value;
            taps.Add(((long)Math.Clamp(place, 0, map.Input.Value - 1), inside || !resize.ExcludeOutside ? weight : 0));
        }

        double sum = taps.Sum(t => t.Weight);
        return [.. taps.Select(t => (t.Place, t.Weight / sum))];
    }

    /// <summary>The weight of a neighbour at a distance.</summary>
    public static double Cubic(double d, double a) =>
        d <= 1 ? ((((a + 2) * d) - (a + 3)) * d * d) + 1 : d < 2 ? (((((a * d) - (5 * a)) * d) + (8 * a)) * d) - (4 * a) : 0;
}
