namespace Lathe.Compiler.Quantization;

/// <summary>Chooses ranges: see <see cref="Calibrator"/>.</summary>
internal static class Ranges
{
    /// <summary>The share of values that <see cref="Calibrator.Percentile"/> cuts off at an end.</summary>
    private const double Tail = 1e-4;

    /// <summary>How many ranges are tried, from the full one down to a part of it.</summary>
    private const int Candidates = 80;

    /// <summary>The smallest part of the full range that is tried: no layer is better off with less.</summary>
    private const double SmallestPart = 0.1;

    private const int Levels = 256;

    /// <summary>The range for values as they were counted.</summary>
    public static QuantizedRange Choose(Histogram histogram, Calibrator calibrator)
    {
        (double min, double max) = (histogram.Min, histogram.Max);
        (min, max) = calibrator switch
        {
            Calibrator.Percentile => Percentile(histogram),
            Calibrator.Entropy => Least(min, max, range => Divergence(histogram, range.Min, range.Max)),
            Calibrator.Mse => LeastSquares(histogram),
            _ => (min, max),
        };
        return QuantizedRange.Of(min, max);
    }

    private static (double Min, double Max) Percentile(Histogram h)
    {
        double most = h.Count * Tail;
        (int low, int high) = (0, Histogram.Bins - 1);
        for (double cut = h.Counts[low]; cut <= most && low < Histogram.Bins / 2; cut += h.Counts[low]) low++;
        for (double cut = h.Counts[high]; cut <= most && high > Histogram.Bins / 2; cut += h.Counts[high]) high--;
        double half = Histogram.Bins / 2;
        return (Math.Max(h.Min, (low - half) * h.Width), Math.Min(h.Max, (high + 1 - half) * h.Width));
    }

    /// <summary>Both ends together first, then each alone: tails differ.</summary>
    private static (double Min, double Max) LeastSquares(Histogram h)
    {
        (double min, double max) = Least(h.Min, h.Max, Squares);
        if (min == 0 || max == 0) return (min, max);
        (double wholeMin, double wholeMax) = (h.Min, h.Max);
        (double Min, double Max) best = (min, max);
        double least = Squares(best);
        for (int i = 0; i < Candidates; i++)
        {
            Try((Part(i) * wholeMin, best.Max));
            Try((best.Min, Part(i) * wholeMax));
        }

        return best;

        double Squares((double Min, double Max) range)
        {
            QuantizedRange q = QuantizedRange.Of(range.Min, range.Max);
            double sum = 0;
            for (int i = 0; i < Histogram.Bins; i++)
            {
                if (h.Counts[i] == 0) continue;
                double x = h.Middle(i), error = x - q.Rounded(x);
                sum += h.Counts[i] * error * error;
            }

            return sum;
        }

        void Try((double Min, double Max) range)
        {
            double error = Squares(range);
            if (error < least) (best, least) = (range, error);
        }
    }

    private static double Part(int i) => 1 - (i * (1 - SmallestPart) / (Candidates - 1));

    private static (double Min, double Max) Least(double min, double max, Func<(double Min, double Max), double> costOf)
    {
        // A longer end is cut first, so that a short one keeps its own.
        double longest = Math.Max(-min, max);
        (double Min, double Max) best = (min, max);
        double least = double.PositiveInfinity;
        for (int i = 0; i < Candidates; i++)
        {
            (double Min, double Max) range = (Math.Max(min, -longest * Part(i)), Math.Min(max, longest * Part(i)));
            double cost = costOf(range);
            if (cost < least) (best, least) = (range, cost);
        }

        return best;
    }

    /// <summary>Of the distribution with its tails put onto the ends of a range, from that which the range's bytes can tell.</summary>
    private static double Divergence(Histogram h, double min, double max)
    {
        int zero = Histogram.Bins / 2;
        int low = Math.Max(0, zero + (int)Math.Floor(min / h.Width)), high = Math.Min(Histogram.Bins, zero + (int)Math.Ceiling(max / h.Width));
        int length = high - low;
        if (length <= Levels) return double.PositiveInfinity;
        double below = 0, above = 0, inside = 0;
        for (int i = 0; i < Histogram.Bins; i++)
        {
            if (i < low) below += h.Counts[i];
            else if (i >= high) above += h.Counts[i];
            else inside += h.Counts[i];
        }

        double total = below + inside + above, divergence = 0;
        for (int level = 0; level < Levels; level++)
        {
            int from = low + (int)((long)length * level / Levels), to = low + (int)((long)length * (level + 1) / Levels);
            double sum = 0;
            int filled = 0;
            for (int i = from; i < to; i++)
            {
                sum += h.Counts[i];
                if (h.Counts[i] > 0) filled++;
            }

            for (int i = from; i < to; i++)
            {
                double p = h.Counts[i] + (i == low ? below : 0) + (i == high - 1 ? above : 0);
                if (p == 0) continue;
                // What was put onto an end where nothing was stands for a bin that is hardly filled.
                double q = h.Counts[i] > 0 ? sum / filled : 1e-3;
                divergence += p / total * Math.Log(p / total / (q / inside));
            }
        }

        return divergence;
    }
}
