using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// How a resize maps an axis: output element o stands at the input coordinate (A·o + B) / C. The coordinates are exact fractions, so that ties are
/// rounded alike on every device and no index goes through floats.
/// </summary>
/// <param name="Input">The input's length.</param>
/// <param name="Output">The output's length.</param>
/// <param name="A">The coordinate's slope, times C.</param>
/// <param name="B">The coordinate of element 0, times C.</param>
/// <param name="C">The denominator; positive.</param>
/// <param name="Grown">The scale's numerator.</param>
/// <param name="Original">The scale's denominator.</param>
/// <param name="Extrapolates">True if a coordinate outside the input gives the extrapolation value.</param>
internal sealed record ResizeAxis(IndexExpr Input, IndexExpr Output, IndexExpr A, IndexExpr B, IndexExpr C, IndexExpr Grown, IndexExpr Original, bool Extrapolates)
{
    /// <summary>Output ÷ input, as far as it is a number; NaN otherwise.</summary>
    public double Scale => Grown.IsConstant && Original.IsConstant ? (double)Grown.Value / Original.Value : double.NaN;

    /// <summary>True if every output element is the input element of the same index.</summary>
    public bool IsIdentity => Input == Output && !Extrapolates && ((A == C && B == IndexExpr.Zero) || Input == IndexExpr.One);

    /// <summary>The coordinate's numerator at an output index.</summary>
    public IndexExpr Numerator(IndexExpr o) => (o * A) + B;

    /// <summary>Makes the map of an axis.</summary>
    /// <param name="mode">ONNX's coordinate_transformation_mode.</param>
    /// <param name="input">The input's length.</param>
    /// <param name="output">The output's length.</param>
    /// <param name="scale">The scale, or null for the quotient of the lengths.</param>
    /// <param name="region">The region of interest, for tf_crop_and_resize.</param>
    public static ResizeAxis Of(string mode, IndexExpr input, IndexExpr output, (IndexExpr P, IndexExpr Q)? scale, ResizeRegion region)
    {
        (IndexExpr p, IndexExpr q) = scale ?? Reduced(output, input);
        // All modes but one for the nearest element leave an axis that keeps its length as it is.
        if (input == output && p == q && region.IsWhole && mode != "tf_half_pixel_for_nn") return new(input, output, 1, 0, 1, 1, 1, false);
        IndexExpr one = IndexExpr.One, last = input - 1;
        // The output's last coordinate is the scaled length less one, which a scale need not make whole: lastOut / lastUnit.
        (IndexExpr lastOut, IndexExpr lastUnit) = scale is null ? (output - 1, one) : ((input * p) - q, q);
        switch (mode)
        {
            case "half_pixel":
                return Map(q * 2, q - p, p * 2);
            case "pytorch_half_pixel":
                return Map(q * 2, IndexExpr.IfLess(1, output, q - p, 0), p * 2);
            case "half_pixel_symmetric":
                return Map(q * 2, (input * p) - (output * q) + q - p, p * 2);
            case "tf_half_pixel_for_nn":
                return Map(q * 2, q, p * 2);
            case "align_corners":
                return Map(output == one ? 0 : last * lastUnit, 0, lastOut);
            case "tf_crop_and_resize":
                (IndexExpr s, IndexExpr e, long unit) = region;
                // A single element stands in the middle.
                ResizeAxis crop = Map(
                    IndexExpr.IfLess(1, output, last * lastUnit * (e - s), 0),
                    IndexExpr.IfLess(1, output, last * lastOut * s, last * (s + e)),
                    IndexExpr.IfLess(1, output, lastOut * unit, unit * 2));
                return crop with { Extrapolates = !region.IsInside };
            default:
                return Map(q, 0, p);
        }

        // Where there is no element the denominator may be 0; it is divided by all the same if that is done ahead of the loops.
        ResizeAxis Map(IndexExpr a, IndexExpr b, IndexExpr c) => new(input, output, a, b, IndexExpr.Max(1, c), p, q, false);
    }

    /// <summary>The input index that a nearest mode gives at an output index.</summary>
    public IndexExpr Nearest(string mode, IndexExpr o)
    {
        if (IsIdentity) return o;
        if (Multiple(mode) is { } repeats) return o / repeats;
        IndexExpr n = IndexExpr.Max(0, Numerator(o));
        return IndexExpr.Min(Input - 1, Rounded(mode, n));
    }

    /// <summary>A quotient of lengths as numbers, as far as it is one.</summary>
    private static (IndexExpr P, IndexExpr Q) Reduced(IndexExpr output, IndexExpr input)
    {
        if (output == IndexExpr.Zero || input == IndexExpr.Zero) return (1, 1);
        if (output % input == IndexExpr.Zero && output / input is { IsConstant: true } up) return (up, 1);
        if (input % output == IndexExpr.Zero && input / output is { IsConstant: true } down) return (1, down);
        if (!output.IsConstant || !input.IsConstant) return (output, input);
        long common = (long)System.Numerics.BigInteger.GreatestCommonDivisor(output.Value, input.Value);
        return (output.Value / common, input.Value / common);
    }

    private IndexExpr Rounded(string mode, IndexExpr n) => mode switch
    {
        "floor" => n / C,
        "ceil" => (n + C - 1) / C,
        "round_prefer_ceil" => ((n * 2) + C) / (C * 2),
        "simple" => IndexExpr.IfLess(Grown, Original, (n + C - 1) / C, n / C),
        _ => ((n * 2) + C - 1) / (C * 2),
    };

    /// <summary>k if the mode repeats every input element k times, which is the commonest use and the simplest index; otherwise null.</summary>
    private long? Multiple(string mode)
    {
        if (Extrapolates || Scale < 1 || Scale != Math.Floor(Scale) || Scale > 1 << 16 || !A.IsConstant || !B.IsConstant || !C.IsConstant) return null;
        long k = (long)Scale;
        if (Output != Input * k) return null;
        // The coordinate grows by exactly 1 with every k elements, so that the first ones speak for all; behind the middle of the first element no clamping matters.
        if (A.Value * k != C.Value) return null;
        for (long o = 0; o < 2 * k; o++)
            if (Rounded(mode, Math.Max(0, (o * A.Value) + B.Value)).Value != o / k) return null;
        return k;
    }
}
