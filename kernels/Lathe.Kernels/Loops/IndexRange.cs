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
        ReadOnlySpan<long> corners = [Multiply(a.Min, b.Min), Multiply(a.Min, b.Max), Multiply(a.Max, b.Min), Multiply(a.Max, b.Max)];
        long min = corners[0], max = corners[0];
        foreach (long corner in corners) (min, max) = (Math.Min(min, corner), Math.Max(max, corner));
        return new IndexRange(min, max);
    }

    /// <summary>The smallest interval that holds both.</summary>
    public IndexRange Union(IndexRange other) => new(Math.Min(Min, other.Min), Math.Max(Max, other.Max));

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
