using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using LoopCast = Lathe.Kernels.Loops.Cast;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// saturate(round(x) + zero), ties to even: how every operator quantises. A NaN becomes the least number, as with NumPy on x86 and in ONNX Runtime;
/// infinities saturate.
/// </summary>
internal static class Saturation
{
    /// <summary>True for the types that floats are quantised to.</summary>
    public static bool IsQuantized(ElementType element) => element is ElementType.UInt8 or ElementType.Int8 or ElementType.UInt16 or ElementType.Int16;

    /// <summary>The number nearest to a value, moved by the zero point and brought into the type's range.</summary>
    public static long Quantize(double value, long zero, ElementType element)
    {
        (long low, long high) = (Elements.Lowest(element).Integer - zero, Elements.Highest(element).Integer - zero);
        return value > low ? (long)Math.Round(Math.Min(value, high), MidpointRounding.ToEven) + zero : low + zero;
    }

    /// <summary>A sum of products, quantised anew.</summary>
    public static long Requantize(int sum, double xScale, double wScale, double yScale, long zero, ElementType element)
    {
        float factor = (float)xScale * (float)wScale / (float)yScale;
        return Quantize(sum * factor, zero, element);
    }

    /// <summary>What a sum of products is multiplied by to be quantised anew.</summary>
    public static Expr Factor(Expr xScale, Expr wScale, Expr yScale) =>
        xScale.To(ElementType.Float32) * wScale.To(ElementType.Float32) / yScale.To(ElementType.Float32);

    /// <summary>The number nearest to a value, moved by the zero point and brought into the type's range.</summary>
    /// <param name="value">A float.</param>
    /// <param name="zero">The zero point, of the type that results; null for 0.</param>
    /// <param name="element">The type that results.</param>
    public static Expr Quantize(Expr value, Expr? zero, ElementType element)
    {
        (long low, long high) = (Elements.Lowest(element).Integer, Elements.Highest(element).Integer);
        ElementType wide = value.Type.Element;
        if (zero is Const known) zero = Const.OfInteger(ElementType.Int32, known.Integer);
        Expr bounded = value.Max(Bound(low)).Min(Bound(high));
        Expr whole = new LoopCast(bounded, ElementType.Int32, Round: true);
        return (zero is null or Const { Integer: 0 } ? whole : whole + zero.To(ElementType.Int32)).To(element);

        // Bounds first: they are whole, so that rounding does not leave them, and what is beyond them may not fit 32 bits.
        Expr Bound(long limit) => zero is null or Const ? Const.Of(wide, limit - ((zero as Const)?.Integer ?? 0)) : (Const.Of(ElementType.Int32, limit) - zero.To(ElementType.Int32)).To(wide);
    }
}
