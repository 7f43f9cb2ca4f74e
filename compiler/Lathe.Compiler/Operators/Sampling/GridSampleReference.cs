using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;

namespace Lathe.Compiler.Operators.Sampling;

/// <summary>The meaning of <see cref="GridSample"/>: axis by axis, an interpolation of interpolations.</summary>
internal static class GridSampleReference
{
    /// <summary>The sampled tensor.</summary>
    public static TensorData Evaluate(GridSample sample, TensorData x, TensorData grid, TensorType type)
    {
        TensorData y = TensorData.Zeros(type.Element, type.StaticDims);
        int axes = x.Dims.Length - 2, next = 0;
        double[] coordinates = new double[axes];
        long[] place = new long[axes];
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            long at = RowMajor.Offset(grid.Dims, [index[0], .. index.Skip(2), 0]);
            for (int axis = 0; axis < axes; axis++) coordinates[axis] = Coordinate(sample, grid.GetDouble((int)at + axes - 1 - axis), x.Dims[axis + 2]);
            long plane = RowMajor.Offset([.. x.Dims.Take(2)], [.. index.Take(2)]) * RowMajor.Count(x.Dims.AsSpan(2));
            if (sample.Mode == "nearest")
            {
                for (int axis = 0; axis < axes; axis++) place[axis] = Inside(sample, Whole(coordinates[axis]), x.Dims[axis + 2]);
                if (!place.Contains(-1)) Elements.CopyElement(x, (int)(plane + RowMajor.Offset(x.Dims.AsSpan(2), place)), y, next);
            }
            else
            {
                y.SetDouble(next, Interpolate(sample, x, plane, coordinates, place, 0));
            }

            next++;
        }

        return y;
    }

    private static double Interpolate(GridSample sample, TensorData x, long plane, double[] coordinates, long[] place, int axis)
    {
        if (axis == place.Length) return x.GetDouble((int)(plane + RowMajor.Offset(x.Dims.AsSpan(2), place)));
        double low = Math.Floor(coordinates[axis]), share = coordinates[axis] - low, sum = 0;
        bool linear = sample.Mode == "linear";
        for (int tap = linear ? 0 : -1; tap <= (linear ? 1 : 2); tap++)
        {
            place[axis] = Inside(sample, Whole(low) + tap, x.Dims[axis + 2]);
            if (place[axis] < 0) continue;
            double weight = linear ? 1 - Math.Abs(tap - share) : ResizeReference.Cubic(Math.Abs(tap - share), GridSample.CubicCoeffA);
            sum += weight * Interpolate(sample, x, plane, coordinates, place, axis + 1);
        }

        return sum;
    }

    private static double Coordinate(GridSample sample, double at, long length)
    {
        at = sample.AlignCorners ? (at + 1) / 2 * (length - 1) : (((at + 1) * length) - 1) / 2;
        if (sample.Mode == "nearest") at = Math.Round(at, MidpointRounding.ToEven);
        double first = sample.AlignCorners ? 0 : -0.5, range = sample.AlignCorners ? length - 1 : length;
        if (sample.PaddingMode == "zeros" || !(at < first || at > first + range)) return at;
        if (sample.PaddingMode == "border") return Math.Clamp(at, 0, length - 1);
        if (range == 0) return first;
        double distance = Math.Abs(at - first), rest = distance % range;
        return Math.Floor(distance / range) % 2 == 0 ? first + rest : first + range - rest;
    }

    /// <summary>The place inside an axis that stands for one; -1 for zeros.</summary>
    private static long Inside(GridSample sample, long place, long length)
    {
        if (place >= 0 && place < length) return place;
        if (sample.PaddingMode == "zeros") return -1;
        if (sample.PaddingMode == "border" || length == 1) return Math.Clamp(place, 0, length - 1);
        while (place < 0 || place >= length)
        {
            if (place < 0) place = sample.AlignCorners ? -place : -1 - place;
            else place = sample.AlignCorners ? (2 * (length - 1)) - place : (2 * length) - 1 - place;
        }

        return place;
    }

    /// <summary>A whole number; a place far outside where it is none.</summary>
    private static long Whole(double value) => double.IsNaN(value) ? -4 : (long)Math.Clamp(value, -1e9, 1e9);
}
