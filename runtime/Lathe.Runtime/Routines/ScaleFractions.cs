namespace Lathe.Runtime.Routines;

/// <summary>
/// The fractions that scales are meant to be: 0.6f is 3 / 5. Operands: the scales (floats); for each its numerator and its denominator (int64), both 0 for
/// a scale that is not positive or too far from 1.
/// </summary>
public static unsafe class ScaleFractions
{
    /// <summary>A scale that is this close to a fraction of small numbers, relatively, is meant to be it: half a unit in the last place of a float.</summary>
    private const double Closeness = 1.0 / (1 << 24);

    /// <summary>The greatest scale, and one over the least.</summary>
    private const double MaxScale = 1e6;

    /// <summary>The fraction that a positive scale is meant to be.</summary>
    public static (long P, long Q) Of(double scale)
    {
        // Convergents of the continued fraction: the first that is close enough has the least denominator of its closeness.
        (long p, long q, long previousP, long previousQ) = (1, 0, 0, 1);
        double rest = scale;
        for (int i = 0; i < 40; i++)
        {
            double whole = Math.Floor(rest);
            if (whole > 1L << 30) break;
            (p, previousP) = (((long)whole * p) + previousP, p);
            (q, previousQ) = (((long)whole * q) + previousQ, q);
            if (Math.Abs(((double)p / q) - scale) <= Closeness * scale) return (p, q);
            if (rest == whole || q > 1L << 20) break;
            rest = 1 / (rest - whole);
        }

        long denominator = 1L << 24;
        return (Math.Max(1, (long)Math.Round(scale * (double)denominator)), denominator);
    }

    /// <summary>True for a scale that can be resized by.</summary>
    public static bool IsScale(double scale) => scale > 1 / MaxScale && scale < MaxScale;

    internal static void Run(RoutineCall call)
    {
        RoutineTensor scales = call[0];
        long* fractions = call[1].As<long>();
        long count = scales.Count;
        for (long i = 0; i < count; i++)
        {
            double scale = scales.Type switch
            {
                ElementType.Float32 => scales.As<float>()[i],
                ElementType.Float64 => scales.As<double>()[i],
                _ => throw call.Bad("its scales are no floats"),
            };
            (fractions[2 * i], fractions[(2 * i) + 1]) = IsScale(scale) ? Of(scale) : (0, 0);
        }
    }
}
