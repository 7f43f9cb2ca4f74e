using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Cli.Verification;

/// <summary>How a computed tensor differs from its reference. Differences are NaN where the two cannot be compared.</summary>
/// <param name="MaxAbs">The largest |y - r| over finite elements.</param>
/// <param name="MaxRel">The largest |y - r| / |r| over finite elements with r ≠ 0.</param>
/// <param name="Cosine">The cosine of the angle between the two as vectors; 1 where both are zero.</param>
/// <param name="Outside">The share of elements that fail.</param>
/// <param name="TopKEqual">Whether the largest elements come in the same order; null where that was not asked for.</param>
/// <param name="Mismatch">Why the output fails, or null if it passes.</param>
internal sealed record TensorComparison(double MaxAbs, double MaxRel, double Cosine, double Outside, bool? TopKEqual, string? Mismatch)
{
    /// <summary>True if the output passes.</summary>
    public bool Ok => Mismatch is null;

    /// <summary>Compares a computed tensor with its reference.</summary>
    public static TensorComparison Of(TensorData actual, TensorData reference, Tolerance tolerance)
    {
        if (actual.Element != reference.Element) return Incomparable($"its type is {actual.Element.Name()}, not {reference.Element.Name()}");
        if (!actual.Dims.AsSpan().SequenceEqual(reference.Dims))
            return Incomparable($"its shape is [{string.Join(',', actual.Dims)}], not [{string.Join(',', reference.Dims)}]");
        if (tolerance.FormOnly) return Judge(new Sums { Count = actual.Count }, null, tolerance);
        if (actual.Strings is { } strings)
        {
            int different = strings.Zip(reference.Strings!).Count(pair => pair.First != pair.Second);
            return Judge(new Sums { Count = strings.Length, Failed = different }, null, tolerance);
        }

        Sums sums = actual.Element.IsFloat() ? Floats(actual, reference, tolerance) : Integers(actual, reference);
        return Judge(sums, tolerance.Top > 0 ? Ranking.AreEqual(actual, reference, tolerance.Top) : null, tolerance);
    }

    /// <summary>The comparison of two that differ in more than their elements.</summary>
    public static TensorComparison Incomparable(string mismatch) => new(double.NaN, double.NaN, double.NaN, 1, null, mismatch);

    private static Sums Floats(TensorData actual, TensorData reference, Tolerance tolerance)
    {
        Sums sums = new() { Count = actual.Count };
        double largest = 0;
        for (int i = 0; i < sums.Count; i++)
        {
            double r = Math.Abs(reference.GetDouble(i));
            if (double.IsFinite(r)) largest = Math.Max(largest, r);
        }

        double absolute = tolerance.AbsoluteFor(largest);
        for (int i = 0; i < sums.Count; i++)
        {
            double y = actual.GetDouble(i), r = reference.GetDouble(i);
            if (double.IsFinite(y) && double.IsFinite(r)) sums.Add(y, r, Math.Abs(y - r) <= absolute + (tolerance.Relative * Math.Abs(r)));
            else if (!y.Equals(r)) sums.Failed++;
        }

        return sums;
    }

    private static Sums Integers(TensorData actual, TensorData reference)
    {
        Sums sums = new() { Count = actual.Count };
        for (int i = 0; i < sums.Count; i++)
            sums.Add(actual.GetDouble(i), reference.GetDouble(i), actual.GetInt64(i) == reference.GetInt64(i));
        return sums;
    }

    private static TensorComparison Judge(Sums sums, bool? topEqual, Tolerance tolerance)
    {
        double outside = sums.Count == 0 ? 0 : (double)sums.Failed / sums.Count;
        string? mismatch = outside > tolerance.Allow ? $"{sums.Failed} of {sums.Count} elements lie outside the tolerance (largest difference {sums.MaxAbs:G3})"
            : topEqual == false ? $"the {tolerance.Top} largest elements come in another order"
            : null;
        return new TensorComparison(sums.MaxAbs, sums.MaxRel, sums.Cosine, outside, topEqual, mismatch);
    }

    private sealed class Sums
    {
        private double _product, _actual, _reference;

        public int Count { get; init; }

        public int Failed { get; set; }

        public double MaxAbs { get; private set; }

        public double MaxRel { get; private set; }

        public double Cosine => _actual > 0 && _reference > 0 ? _product / Math.Sqrt(_actual * _reference) : _actual == _reference ? 1 : 0;

        public void Add(double y, double r, bool passes)
        {
            double difference = Math.Abs(y - r);
            MaxAbs = Math.Max(MaxAbs, difference);
            if (r != 0) MaxRel = Math.Max(MaxRel, difference / Math.Abs(r));
            _product += y * r;
            _actual += y * y;
            _reference += r * r;
            if (!passes) Failed++;
        }
    }
}
