namespace Lathe.Runtime.Routines;

/// <summary>Elements of the tensors of a call, whatever their type: as double where they are floats, as 64 bits where they are integers or bools.</summary>
internal static unsafe class RoutineElements
{
    /// <summary>An element of a float tensor; exact.</summary>
    public static double Real(this RoutineTensor x, long at) => x.Type switch
    {
        ElementType.Float32 => x.As<float>()[at],
        ElementType.Float64 => x.As<double>()[at],
        ElementType.Float16 => (double)x.As<Half>()[at],
        _ => BitConverter.Int32BitsToSingle(x.As<ushort>()[at] << 16),
    };

    /// <summary>Sets an element of a float tensor, rounded to nearest even; to bfloat16 by way of float32.</summary>
    public static void SetReal(this RoutineTensor x, long at, double value)
    {
        switch (x.Type)
        {
            case ElementType.Float32: x.As<float>()[at] = (float)value; break;
            case ElementType.Float64: x.As<double>()[at] = value; break;
            case ElementType.Float16: x.As<Half>()[at] = (Half)value; break;
            default: x.As<ushort>()[at] = BFloat16((float)value); break;
        }
    }

    /// <summary>Sets an element of an integer tensor, wrapping to its width, or of a bool tensor: true unless it is 0.</summary>
    public static void SetInteger(this RoutineTensor x, long at, long value)
    {
        unchecked
        {
            switch (x.Type)
            {
                case ElementType.Int64 or ElementType.UInt64: x.As<long>()[at] = value; break;
                case ElementType.Int32 or ElementType.UInt32: x.As<int>()[at] = (int)value; break;
                case ElementType.Int16 or ElementType.UInt16: x.As<short>()[at] = (short)value; break;
                case ElementType.Bool: x.As<byte>()[at] = value != 0 ? (byte)1 : (byte)0; break;
                default: x.As<sbyte>()[at] = (sbyte)value; break;
            }
        }
    }

    /// <summary>
    /// A number whose order is that of the elements: of two elements the greater has the greater key, equal ones (0 and -0 among them) have the same.
    /// A NaN is above all else, as for NumPy, and all NaNs are the same.
    /// </summary>
    public static ulong Key(this RoutineTensor x, long at)
    {
        const ulong Sign = 1UL << 63;
        if (x.Type.IsFloat())
        {
            double value = x.Real(at);
            if (double.IsNaN(value)) return ulong.MaxValue;
            // Adding 0 takes the sign of -0. Negative numbers have their bits turned, so that larger magnitudes come first.
            ulong bits = BitConverter.DoubleToUInt64Bits(value + 0.0);
            return (bits & Sign) != 0 ? ~bits : bits | Sign;
        }

        ulong integer = unchecked((ulong)x.Integer(at));
        return x.Type.IsSigned() ? integer ^ Sign : integer;
    }

    /// <summary>Copies elements of one tensor to another of the same type.</summary>
    public static void Copy(RoutineTensor from, long at, RoutineTensor to, long toAt, long count)
    {
        int size = from.Type.Size();
        Buffer.MemoryCopy(from.Pointer + (at * size), to.Pointer + (toAt * size), count * size, count * size);
    }

    /// <summary>Sets all bytes of a tensor to 0.</summary>
    public static void Clear(this RoutineTensor x)
    {
        long bytes = x.Count * x.Type.Size();
        for (long at = 0; at < bytes; at += int.MaxValue) new Span<byte>(x.Pointer + at, (int)Math.Min(int.MaxValue, bytes - at)).Clear();
    }

    private static ushort BFloat16(float value)
    {
        if (float.IsNaN(value)) return 0x7FC0;
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
