using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>
/// Floats that are clamped to what a byte holds, rounded, moved by a zero point and cut. Conversion gives 2³¹ for all that int32 does not hold, and narrowing of
/// unsigned numbers saturates: the upper bound need not be taken before.
/// </summary>
internal static class SaturatedBytes
{
    /// <summary>The numbers without their upper bound, as unsigned ones of 32 bits; null where a stored value is no such byte.</summary>
    public static Expr? Unbounded(Expr stored)
    {
        if (stored is not Cast { Saturate: false, To: { Element: ElementType.UInt8, Lanes: 8 or 16 }, A: { Type.Element: ElementType.Int32 } moved }) return null;
        (Expr whole, long zero) = moved is Binary { Op: BinaryOp.Add, A: var a, B: var b } && NumberOf(b) is { } number ? (a, (long)number) : (moved, 0);
        return whole is Cast { Round: true, Saturate: false, A: Binary { Op: BinaryOp.Min, A: Binary { Op: BinaryOp.Max, A.Type.Element: ElementType.Float32 } positive, B: var high } } cast
            && NumberOf(positive.B) == -zero && NumberOf(high) == byte.MaxValue - zero && zero is >= 0 and <= byte.MaxValue
            ? zero == 0 ? cast with { A = positive } : new Binary(BinaryOp.Add, cast with { A = positive }, ((Binary)moved).B)
            : null;
    }

    private static double? NumberOf(Expr e) => e switch
    {
        Splat { A: var a } => NumberOf(a),
        Const { ValueType.Element: ElementType.Float32 } c => c.Float,
        Const { ValueType.Element: ElementType.Int32 } c => c.Integer,
        _ => null,
    };
}
