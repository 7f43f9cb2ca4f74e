using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The part of an axis that a resize makes the output of, in fractions of the input's length.</summary>
/// <param name="Start">Where it starts, times the unit.</param>
/// <param name="End">Where it ends, times the unit.</param>
/// <param name="Unit">The unit.</param>
internal readonly record struct ResizeRegion(IndexExpr Start, IndexExpr End, long Unit)
{
    /// <summary>The unit of a region that data determine: fine for floats, and small enough for products with lengths.</summary>
    public const long DataUnit = 1 << 23;

    /// <summary>The finest step that a known region is stated in.</summary>
    private const int Bits = 26;

    /// <summary>The whole axis.</summary>
    public static ResizeRegion Whole { get; } = new(IndexExpr.Zero, IndexExpr.One, 1);

    /// <summary>True if it is known to be the whole axis.</summary>
    public bool IsWhole => Start == IndexExpr.Zero && End == Unit;

    /// <summary>True if it is known to lie inside the input.</summary>
    public bool IsInside => Start.Range is var s && End.Range is var e && Math.Min(s.Min, e.Min) >= 0 && Math.Max(s.Max, e.Max) <= Unit;

    /// <summary>The region between two fractions.</summary>
    public static ResizeRegion Of(double start, double end)
    {
        long unit = 1L << Bits, s = (long)Math.Round(start * unit), e = (long)Math.Round(end * unit);
        long common = (long)System.Numerics.BigInteger.GreatestCommonDivisor(unit, System.Numerics.BigInteger.GreatestCommonDivisor(s, e));
        return new(s / common, e / common, unit / common);
    }
}
