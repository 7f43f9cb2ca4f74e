using Lathe.Compiler.Quantization;

namespace Lathe.Compiler.Tests.Quantization;

[TestFixture]
internal sealed class RangesTests
{
    [Test]
    public void Histogram_DoesNotDependOnOrderOrParts()
    {
        Random random = new(1);
        float[] values = [.. Enumerable.Range(0, 5000).Select(i => (float)((random.NextDouble() - 0.3) * Math.Pow(2, random.Next(-20, 20))))];
        Histogram whole = new(), backwards = new(), left = new(), right = new();
        whole.Add(values);
        foreach (float value in values.Reverse()) backwards.Add([value]);
        left.Add(values.AsSpan(0, 1000));
        right.Add(values.AsSpan(1000));
        left.Add(right);
        foreach (Histogram other in (Histogram[])[backwards, left])
        {
            Assert.That(other.Counts.ToArray(), Is.EqualTo(whole.Counts.ToArray()));
            Assert.That((other.Min, other.Max, other.Count), Is.EqualTo((whole.Min, whole.Max, whole.Count)));
        }

        Assert.That(whole.Counts.ToArray().Sum(), Is.EqualTo(values.Length));
        Assert.That((whole.Min, whole.Max), Is.EqualTo(((double)values.Min(), (double)values.Max())));
    }

    [Test]
    public void Histogram_CountsWhereValuesLie([Values(1e-30f, 0.7f, 1f, 1023f, 3e38f)] float largest)
    {
        Histogram histogram = new();
        float[] values = [-largest, -largest / 3, 0, largest / 5, largest];
        histogram.Add(values);
        for (int bin = 0; bin < Histogram.Bins; bin++)
        {
            double low = (bin - (Histogram.Bins / 2)) * histogram.Width;
            Assert.That(histogram.Counts[bin], Is.EqualTo(values.Count(v => v >= low && v < low + histogram.Width)), $"bin {bin}");
        }
    }

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    [TestCase(float.NegativeInfinity)]
    public void Histogram_RefusesWhatIsNoNumber(float value) => Assert.That(new Histogram().Add([1, value, 2]), Is.False);

    [TestCase(0, 0, 1, 0)]
    [TestCase(0, 255, 1, 0)]
    [TestCase(-255, 0, 1, 255)]
    [TestCase(-128, 127, 1, 128)]
    [TestCase(3, 510, 2, 0)]
    [TestCase(-1e-44, 1e-44, 1, 0)]
    public void Range_HasZeroAmongItsSteps(double min, double max, float scale, int zero) => Assert.That(QuantizedRange.Of(min, max), Is.EqualTo(new QuantizedRange(scale, (byte)zero)));

    [Test]
    public void MinMax_TakesAll([Values] bool isSigned)
    {
        Histogram histogram = Normal(isSigned, outlier: 40);
        QuantizedRange range = Ranges.Choose(histogram, Calibrator.MinMax);
        Assert.That(range.Rounded(histogram.Max), Is.EqualTo(histogram.Max).Within(range.Scale));
        Assert.That(range.Rounded(histogram.Min), Is.EqualTo(histogram.Min).Within(range.Scale));
    }

    [Test]
    public void Others_CutOffAnOutlier([Values(Calibrator.Percentile, Calibrator.Entropy)] Calibrator calibrator, [Values] bool isSigned)
    {
        QuantizedRange range = Ranges.Choose(Normal(isSigned, outlier: 40), calibrator);
        // Of 100,000 normally distributed numbers the largest is about 4.3.
        Assert.That(range.Rounded(1000), Is.InRange(2.5, 12));
        Assert.That(range.Rounded(-1000), isSigned ? Is.InRange(-6, -2.5) : Is.Zero);
    }

    [Test]
    public void Mse_IsNoWorseThanAnyOther([Range(1, 5)] int seed, [Values] bool isSigned)
    {
        Random random = new(seed);
        float[] values = [.. Enumerable.Range(0, 20_000).Select(_ => (float)Math.Pow(random.NextDouble() * 2, random.Next(1, 9)) * (isSigned && random.Next(3) == 0 ? -1 : 1))];
        Histogram histogram = new();
        histogram.Add(values);
        double least = Squares(Calibrator.Mse);
        // The histogram's bins are an eighth of a step at most, within which it does not see where values lie.
        foreach (Calibrator other in (Calibrator[])[Calibrator.MinMax, Calibrator.Percentile, Calibrator.Entropy]) Assert.That(least, Is.LessThanOrEqualTo(Squares(other) * 1.02), $"{other}");

        double Squares(Calibrator calibrator)
        {
            QuantizedRange range = Ranges.Choose(histogram, calibrator);
            return values.Sum(v => Math.Pow(v - range.Rounded(v), 2));
        }
    }

    private static Histogram Normal(bool isSigned, float outlier)
    {
        Random random = new(7);
        Histogram histogram = new();
        histogram.Add([.. Enumerable.Range(0, 100_000).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))).Select(v => isSigned ? v : Math.Max(0, v)), outlier]);
        return histogram;
    }
}
