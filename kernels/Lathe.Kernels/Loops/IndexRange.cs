namespace Lathe.Kernels.Loops;

/// <summary>An interval of integers, both ends included. <see cref="long.MinValue"/> and <see cref="long.MaxValue"/> stand for no bound.</summary>
public readonly record struct IndexRange(long Min, long Max)
{
    /// <summary>All integers.</summary>
    public static IndexRange Unbounded { get; } = new(long.MinValue, long.MaxValue);

    /// <summary>The sums of an element of each.</summary>
    public static IndexRange operator +(IndexRange a, IndexRange b) => new(Add(a.Min, b.Min, long.MinValue), Add(a.Max, b.Max, long.MaxValue));

    /// <summary>The products of an element of each.</summary>
    public static IndexRange operator *(IndexRange a, IndexRange b)
    {
        long p = Multiply(a.Min, b.Min), q = Multiply(a.Min, b.Max), r = Multiply(a.Max, b.Min), s = Multiply(a.Max, b.Max);
        return new IndexRange(Math.Min(Math.Min(p, q), Math.Min(r, s)), Math.Max(Math.Max(p, q), Math.Max(r, s)));
    }

    /// <summary>The smallest interval that holds both.</summary>
    public IndexRange Union(IndexRange other) => new(Math.Min(Min, other.Min), Math.Max(Max, other.Max));

    /// <summary>The quotients, rounded down, of an element and a positive one of the other.</summary>
    internal IndexRange DividedBy(IndexRange divisor)
    {
        long min = Min == long.MinValue ? long.MinValue : Min < 0 ? FloorDiv(Min, divisor.Min) : divisor.Max == long.MaxValue ? 0 : Min / divisor.Max;
        long max = Max == long.MaxValue ? long.MaxValue : Max >= 0 ? Max / divisor.Min : divisor.Max == long.MaxValue ? -1 : FloorDiv(Max, divisor.Max);
        return new IndexRange(min, max);
    }

    /// <summary>The quotient rounded down.</summary>
    internal static long FloorDiv(long a, long b)
    {
        long quotient = Math.DivRem(a, b, out long rest);
        return rest != 0 && (rest < 0) != (b < 0) ? quotient - 1 : quotient;
    }

    private static long Add(long a, long b, long bound)
    {
        if (a == bound || b == bound) return bound;
        Int128 sum = (Int128)a + b;
        return Clamp(sum);
    }

    private static long Multiply(long a, long b)
    {
        if (a == 0 || b == 0) return 0;
        bool infinite = a is long.MinValue or long.MaxValue || b is long.MinValue or long.MaxValue;
        return infinite ? (a < 0) == (b < 0) ? long.MaxValue : long.MinValue : Clamp((Int128)a * b);
    }

    private static long Clamp(Int128 value) =>
        value >= long.MaxValue ? long.MaxValue : value <= long.MinValue ? long.MinValue : (long)value;
}
