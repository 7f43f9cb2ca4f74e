using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <summary>
/// How often which values occur, in bins of one width over [-r, r) with r a power of two that grows with the values: bins of a grown histogram are sums of pairs, so that
/// nothing depends on the order of the samples, two histograms can be added, and memory is bounded. Least and greatest value are exact.
/// </summary>
public sealed class Histogram
{
    /// <summary>The number of bins: a quarter of it, where values have one sign and just outgrew a power of two, is still eight bins a step.</summary>
    public const int Bins = 8192;

    private readonly long[] _counts = new long[Bins];
    // r is 2 to this power; the smallest normal number at first.
    private int _exponent = -126;

    /// <summary>The least value and 0.</summary>
    public double Min { get; private set; }

    /// <summary>The greatest value and 0.</summary>
    public double Max { get; private set; }

    /// <summary>How many values there were.</summary>
    public long Count { get; private set; }

    /// <summary>How many values each bin has.</summary>
    public ReadOnlySpan<long> Counts => _counts;

    /// <summary>The width of a bin.</summary>
    public double Width => Math.ScaleB(2.0 / Bins, _exponent);

    /// <summary>The middle of a bin; that of the bin that begins at 0 is 0, which much of what passed a ReLU is.</summary>
    public double Middle(int bin) => bin == Bins / 2 ? 0 : (bin - (Bins / 2) + 0.5) * Width;

    /// <summary>Adds values.</summary>
    /// <returns>False if one is infinite or no number; then the histogram is of no use.</returns>
    public bool Add(ReadOnlySpan<float> values)
    {
        float min = 0, max = 0;
        foreach (float value in values)
        {
            if (!float.IsFinite(value)) return false;
            min = Math.Min(min, value);
            max = Math.Max(max, value);
        }

        Grow(ExponentFor(Math.Max(-(double)min, max)));
        (Min, Max, Count) = (Math.Min(Min, min), Math.Max(Max, max), Count + values.Length);
        double perWidth = 1 / Width;
        foreach (float value in values) _counts[(Bins / 2) + (int)Math.Floor(value * perWidth)]++;
        return true;
    }

    /// <summary>Adds the values of another histogram.</summary>
    public void Add(Histogram other)
    {
        Histogram copy = new() { _exponent = other._exponent };
        other._counts.CopyTo(copy._counts, 0);
        copy.Grow(_exponent);
        Grow(copy._exponent);
        for (int i = 0; i < Bins; i++) _counts[i] += copy._counts[i];
        (Min, Max, Count) = (Math.Min(Min, other.Min), Math.Max(Max, other.Max), Count + other.Count);
    }

    /// <summary>The exponent of the least power of two above a number.</summary>
    private static int ExponentFor(double largest) => largest == 0 ? -126 : Math.Max(-126, Math.ILogB(largest) + 1);

    private void Grow(int exponent)
    {
        for (; _exponent < exponent; _exponent++)
        {
            if (_counts.AsSpan().IndexOfAnyExcept(0) < 0)
            {
                _exponent = exponent;
                return;
            }

            // Bins 2i and 2i+1, counted from the middle, become bin i.
            long[] halved = new long[Bins];
            for (int i = 0; i < Bins; i++) halved[(Bins / 4) + (i / 2)] += _counts[i];
            halved.CopyTo(_counts, 0);
        }
    }
}
