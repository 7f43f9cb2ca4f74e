using System.Numerics;
using Lathe.Runtime;
using Lathe.Runtime.Native;

namespace Lathe.Kernels.Loops;

/// <summary>
/// What the operators mean in one lane. Floats of all types are kept as doubles that hold a value of their type, integers of all types
/// and bools as longs; a uint64 is kept by its bits.
/// </summary>
/// <remarks>
/// A sum, product, quotient or root of two floats of at most 24 bits, computed in 53 bits and then rounded, is the correctly rounded one;
/// of a fused multiply-add that is not so.
/// </remarks>
internal static class LaneArithmetic
{
    /// <summary>The nearest value of the type, ties to even.</summary>
    public static double Round(ElementType type, double value) => type switch
    {
        ElementType.Float32 => (float)value,
        ElementType.Float64 => value,
        ElementType.Float16 => (double)(Half)value,
        ElementType.BFloat16 => FromBFloat16(ToBFloat16(value)),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No float type."),
    };

    /// <summary>The value modulo 2^width, read by the type's signedness.</summary>
    public static long Wrap(ElementType type, long value) => unchecked(type switch
    {
        ElementType.Bool => value & 1,
        ElementType.UInt8 => (byte)value,
        ElementType.Int8 => (sbyte)value,
        ElementType.UInt16 => (ushort)value,
        ElementType.Int16 => (short)value,
        ElementType.UInt32 => (uint)value,
        ElementType.Int32 => (int)value,
        ElementType.Int64 or ElementType.UInt64 => value,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No integer type."),
    });

    /// <summary>The value of the bits of a bfloat16.</summary>
    public static double FromBFloat16(ushort bits) => BitConverter.Int32BitsToSingle(bits << 16);

    /// <summary>The bits of the nearest bfloat16, ties to even.</summary>
    public static ushort ToBFloat16(double value)
    {
        if (double.IsNaN(value)) return (ushort)((BitConverter.SingleToUInt32Bits((float)value) >> 16) | 0x40);
        uint bits = BitConverter.SingleToUInt32Bits(RoundToOdd(value));
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>a*b + c with one rounding to the type.</summary>
    public static double Fma(ElementType type, double a, double b, double c)
    {
        if (type == ElementType.Float32) return MathF.FusedMultiplyAdd((float)a, (float)b, (float)c);
        if (type == ElementType.Float64) return Math.FusedMultiplyAdd(a, b, c);

        // The product of two 11-bit floats is exact. Rounding the sum to odd first makes the second rounding the only one that counts.
        double product = a * b, sum = product + c;
        if (!double.IsFinite(sum)) return Round(type, sum);
        double back = sum - product, error = product - (sum - back) + (c - back);
        if (error != 0 && (BitConverter.DoubleToInt64Bits(sum) & 1) == 0)
            sum = error > 0 ? double.BitIncrement(sum) : double.BitDecrement(sum);
        return Round(type, sum);
    }

    /// <summary>An operator of one float.</summary>
    public static double Float(UnaryOp op, ElementType type, double a) => op switch
    {
        UnaryOp.Negate => -a,
        UnaryOp.Abs => Math.Abs(a),
        UnaryOp.Sqrt => Round(type, Math.Sqrt(a)),
        UnaryOp.Floor => Math.Floor(a),
        UnaryOp.Ceiling => Math.Ceiling(a),
        UnaryOp.Round => Math.Round(a, MidpointRounding.ToEven),
        UnaryOp.Truncate => Math.Truncate(a),
        UnaryOp.Exp => Round(type, Math.Exp(a)),
        UnaryOp.Log => Round(type, Math.Log(a)),
        UnaryOp.Sin => Round(type, Math.Sin(a)),
        UnaryOp.Cos => Round(type, Math.Cos(a)),
        UnaryOp.Tan => Round(type, Math.Tan(a)),
        UnaryOp.Sinh => Round(type, Math.Sinh(a)),
        UnaryOp.Cosh => Round(type, Math.Cosh(a)),
        UnaryOp.Tanh => Round(type, Math.Tanh(a)),
        UnaryOp.Asin => Round(type, Math.Asin(a)),
        UnaryOp.Acos => Round(type, Math.Acos(a)),
        UnaryOp.Atan => Round(type, Math.Atan(a)),
        UnaryOp.Asinh => Round(type, Math.Asinh(a)),
        UnaryOp.Acosh => Round(type, Math.Acosh(a)),
        UnaryOp.Atanh => Round(type, Math.Atanh(a)),
        UnaryOp.Erf => Round(type, MathFunctions.ErrorFunction(a)),
        UnaryOp.Sigmoid => Round(type, 1 / (1 + Math.Exp(-a))),
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, "No operator of a float."),
    };

    /// <summary>An operator of two floats that gives a float.</summary>
    public static double Float(BinaryOp op, ElementType type, double a, double b) => op switch
    {
        BinaryOp.Add => Round(type, a + b),
        BinaryOp.Subtract => Round(type, a - b),
        BinaryOp.Multiply => Round(type, a * b),
        BinaryOp.Divide => Round(type, a / b),
        BinaryOp.Remainder => Round(type, a % b),
        BinaryOp.Min => a < b ? a : b,
        BinaryOp.Max => a > b ? a : b,
        BinaryOp.Power => Round(type, Math.Pow(a, b)),
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, "No operator of floats."),
    };

    /// <summary>A comparison of floats.</summary>
    public static bool Compare(BinaryOp op, double a, double b) => op switch
    {
        BinaryOp.Less => a < b,
        BinaryOp.LessOrEqual => a <= b,
        BinaryOp.Equal => a == b,
        _ => a != b,
    };

    /// <summary>A comparison of integers of a type.</summary>
    public static bool Compare(BinaryOp op, ElementType type, long a, long b) => op switch
    {
        BinaryOp.Less => Less(type, a, b),
        BinaryOp.LessOrEqual => !Less(type, b, a),
        BinaryOp.Equal => a == b,
        _ => a != b,
    };

    /// <summary>An operator of one integer or bool.</summary>
    public static long Integer(UnaryOp op, ElementType type, long a) => unchecked(op switch
    {
        UnaryOp.Negate => Wrap(type, -a),
        UnaryOp.Not => type == ElementType.Bool ? a ^ 1 : Wrap(type, ~a),
        UnaryOp.Abs => a < 0 && type != ElementType.UInt64 ? Wrap(type, -a) : a,
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, "No operator of an integer."),
    });

    /// <summary>An operator of two integers or bools that gives one.</summary>
    /// <exception cref="DivideByZeroException">b is zero in a quotient or a remainder.</exception>
    public static long Integer(BinaryOp op, ElementType type, long a, long b) => unchecked(op switch
    {
        BinaryOp.Add => Wrap(type, a + b),
        BinaryOp.Subtract => Wrap(type, a - b),
        BinaryOp.Multiply => Wrap(type, a * b),
        BinaryOp.Divide => type == ElementType.UInt64 ? (long)((ulong)a / (ulong)b) : b == -1 ? Wrap(type, -a) : a / b,
        BinaryOp.Remainder => type == ElementType.UInt64 ? (long)((ulong)a % (ulong)b) : b == -1 ? 0 : a % b,
        BinaryOp.Min => Less(type, a, b) ? a : b,
        BinaryOp.Max => Less(type, b, a) ? a : b,
        BinaryOp.Power => Power(type, a, b),
        BinaryOp.And => a & b,
        BinaryOp.Or => a | b,
        BinaryOp.Xor => a ^ b,
        BinaryOp.ShiftLeft => (ulong)b >= Width(type) ? 0 : Wrap(type, a << (int)b),
        BinaryOp.ShiftRight => ShiftRight(type, a, b),
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, "No operator of integers."),
    });

    /// <summary>The integer nearest to a float, or the one towards zero; null for what the type cannot hold, unless saturated. A NaN saturates to 0.</summary>
    public static long? ToInteger(ElementType type, double value, bool round, bool saturate)
    {
        if (double.IsNaN(value)) return saturate ? 0 : null;
        double whole = round ? Math.Round(value, MidpointRounding.ToEven) : Math.Truncate(value);
        if (type == ElementType.UInt64)
        {
            if (whole < 0) return saturate ? 0 : null;
            if (whole >= 18446744073709551616.0) return saturate ? -1 : null;
            return unchecked((long)(ulong)whole);
        }

        (long min, long max) = Limits(type);
        if (whole < min) return saturate ? min : null;
        return whole >= max + 1.0 ? saturate ? max : null : (long)whole;
    }

    /// <summary>An integer as another integer type: wrapped or saturated.</summary>
    public static long ToInteger(ElementType from, ElementType to, long value, bool saturate)
    {
        if (!saturate) return Wrap(to, value);
        BigInteger exact = from == ElementType.UInt64 ? unchecked((ulong)value) : value;
        if (to == ElementType.UInt64) return unchecked((long)(ulong)BigInteger.Clamp(exact, 0, ulong.MaxValue));
        (long min, long max) = Limits(to);
        return (long)BigInteger.Clamp(exact, min, max);
    }

    /// <summary>An integer as a float type, rounded once.</summary>
    public static double ToFloat(ElementType from, ElementType to, long value)
    {
        // Only 64-bit integers do not fit a double; to odd, their first rounding leaves the second one right.
        double wide = from == ElementType.UInt64 ? unchecked((ulong)value) : value;
        if (to == ElementType.Float64 || Math.Abs(wide) < 1L << 53) return Round(to, wide);
        BigInteger error = (from == ElementType.UInt64 ? unchecked((ulong)value) : (BigInteger)value) - new BigInteger(wide);
        if (!error.IsZero && (BitConverter.DoubleToInt64Bits(wide) & 1) == 0) wide = error.Sign > 0 ? double.BitIncrement(wide) : double.BitDecrement(wide);
        return Round(to, wide);
    }

    private static bool Less(ElementType type, long a, long b) => type == ElementType.UInt64 ? unchecked((ulong)a < (ulong)b) : a < b;

    private static ulong Width(ElementType type) => type == ElementType.Bool ? 1 : (ulong)type.Size() * 8;

    private static long ShiftRight(ElementType type, long a, long b)
    {
        bool whole = unchecked((ulong)b) >= Width(type);
        if (type == ElementType.UInt64) return whole ? 0 : a >>> (int)b;
        return whole ? a < 0 ? -1 : 0 : a >> (int)b;
    }

    private static long Power(ElementType type, long a, long b)
    {
        if (b < 0 && type != ElementType.UInt64) return a is 1 ? 1 : a is -1 ? ((b & 1) == 0 ? 1 : -1) : 0;
        long power = 1;
        for (ulong left = unchecked((ulong)b); left != 0; left >>= 1)
        {
            if ((left & 1) != 0) power = Wrap(type, unchecked(power * a));
            a = Wrap(type, unchecked(a * a));
        }

        return power;
    }

    private static (long Min, long Max) Limits(ElementType type) => type switch
    {
        ElementType.UInt8 => (0, byte.MaxValue),
        ElementType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        ElementType.UInt16 => (0, ushort.MaxValue),
        ElementType.Int16 => (short.MinValue, short.MaxValue),
        ElementType.UInt32 => (0, uint.MaxValue),
        ElementType.Int32 => (int.MinValue, int.MaxValue),
        ElementType.Int64 => (long.MinValue, long.MaxValue),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No integer type."),
    };

    /// <summary>The float next to a value on the side whose last bit is 1, or the value itself if it is a float.</summary>
    private static float RoundToOdd(double value)
    {
        float near = (float)value;
        if (near == value || (BitConverter.SingleToInt32Bits(near) & 1) != 0 || float.IsInfinity(near)) return near;
        return value > near ? MathF.BitIncrement(near) : MathF.BitDecrement(near);
    }
}
