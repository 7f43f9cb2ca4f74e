using System.Runtime.InteropServices;
using Lathe.Runtime;

namespace Lathe.Compiler.Graph;

/// <summary>
/// A tensor's elements at compile time: row-major and dense, little-endian. Its content must not change once it is part of a graph. Elements of
/// type string are kept apart from the bytes.
/// </summary>
public sealed class TensorData
{
    /// <summary>The largest tensor that a compilation holds, in bytes.</summary>
    public const long MaxBytes = int.MaxValue / 2 * 2L;

    private TensorData(ElementType element, long[] dims, byte[] bytes, string[]? strings)
    {
        Element = element;
        Dims = dims;
        Bytes = bytes;
        Strings = strings;
    }

    /// <summary>The element type.</summary>
    public ElementType Element { get; }

    /// <summary>The shape; empty for a scalar.</summary>
    public long[] Dims { get; }

    /// <summary>The elements' bytes; empty for strings.</summary>
    public byte[] Bytes { get; }

    /// <summary>The elements of a string tensor, otherwise null.</summary>
    public string[]? Strings { get; }

    /// <summary>The number of elements.</summary>
    public int Count => Strings?.Length ?? (Bytes.Length / Element.Size());

    /// <summary>A tensor of zeros.</summary>
    /// <exception cref="OverflowException">It would exceed <see cref="MaxBytes"/>.</exception>
    public static TensorData Zeros(ElementType element, params long[] dims)
    {
        long count = CountOf(dims);
        if (element == ElementType.String)
        {
            string[] strings = new string[checked((int)count)];
            Array.Fill(strings, "");
            return new TensorData(element, dims, [], strings);
        }

        long bytes = checked(count * element.Size());
        if (bytes > MaxBytes) throw new OverflowException($"A tensor of {bytes} bytes is too large.");
        return new TensorData(element, dims, new byte[bytes], null);
    }

    /// <summary>A tensor over bytes that it takes over.</summary>
    /// <exception cref="ArgumentException">The length does not fit the shape.</exception>
    public static TensorData FromBytes(ElementType element, long[] dims, byte[] bytes) =>
        bytes.LongLength == checked(CountOf(dims) * element.Size())
            ? new TensorData(element, dims, bytes, null)
            : throw new ArgumentException($"{bytes.LongLength} bytes do not fit {element.Name()}[{string.Join(", ", dims)}].");

    /// <summary>A tensor of the given elements.</summary>
    /// <typeparam name="T">The .NET type of the element type: <see cref="ushort"/> for bfloat16, bool for bool.</typeparam>
    public static TensorData Of<T>(ElementType element, ReadOnlySpan<T> values, params long[] dims)
        where T : unmanaged => FromBytes(element, dims, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>A float32 tensor.</summary>
    public static TensorData OfFloats(ReadOnlySpan<float> values, params long[] dims) => Of(ElementType.Float32, values, dims);

    /// <summary>An int64 tensor of rank 1.</summary>
    public static TensorData OfInt64s(params ReadOnlySpan<long> values) => Of(ElementType.Int64, values, values.Length);

    /// <summary>A tensor of strings.</summary>
    public static TensorData OfStrings(string[] values, params long[] dims) =>
        values.LongLength == CountOf(dims) ? new TensorData(ElementType.String, dims, [], values) : throw new ArgumentException("The number of strings does not fit the shape.");

    /// <summary>The elements as a span of their .NET type, which must be as wide.</summary>
    public Span<T> Span<T>()
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(Bytes.AsSpan());

    /// <summary>The same elements in another shape.</summary>
    public TensorData Reshape(params long[] dims) => Strings is null ? FromBytes(Element, dims, Bytes) : OfStrings(Strings, dims);

    /// <summary>An element as a double; exact for all types but 64-bit integers beyond 2^53.</summary>
    public double GetDouble(int index) => Element switch
    {
        ElementType.Float32 => Span<float>()[index],
        ElementType.Float64 => Span<double>()[index],
        ElementType.Float16 => (double)Span<Half>()[index],
        ElementType.BFloat16 => BitConverter.Int32BitsToSingle(Span<ushort>()[index] << 16),
        ElementType.UInt64 => Span<ulong>()[index],
        _ => GetInt64(index),
    };

    /// <summary>An element of an integer or bool tensor.</summary>
    public long GetInt64(int index) => Element switch
    {
        ElementType.Int64 => Span<long>()[index],
        ElementType.UInt64 => unchecked((long)Span<ulong>()[index]),
        ElementType.Int32 => Span<int>()[index],
        ElementType.UInt32 => Span<uint>()[index],
        ElementType.Int16 => Span<short>()[index],
        ElementType.UInt16 => Span<ushort>()[index],
        ElementType.Int8 => Span<sbyte>()[index],
        ElementType.UInt8 or ElementType.Bool => Bytes[index],
        _ => checked((long)GetDouble(index)),
    };

    /// <summary>Sets an element from a double, rounding to nearest even for floats and truncating for integers.</summary>
    public void SetDouble(int index, double value)
    {
        switch (Element)
        {
            case ElementType.Float32: Span<float>()[index] = (float)value; break;
            case ElementType.Float64: Span<double>()[index] = value; break;
            case ElementType.Float16: Span<Half>()[index] = (Half)value; break;
            case ElementType.BFloat16: Span<ushort>()[index] = BFloat16Bits((float)value); break;
            default: SetInt64(index, unchecked((long)value)); break;
        }
    }

    /// <summary>Sets an element from an integer, wrapping to its width; a bool becomes 0 or 1.</summary>
    public void SetInt64(int index, long value)
    {
        unchecked
        {
            switch (Element)
            {
                case ElementType.Int64: Span<long>()[index] = value; break;
                case ElementType.UInt64: Span<ulong>()[index] = (ulong)value; break;
                case ElementType.Int32: Span<int>()[index] = (int)value; break;
                case ElementType.UInt32: Span<uint>()[index] = (uint)value; break;
                case ElementType.Int16: Span<short>()[index] = (short)value; break;
                case ElementType.UInt16: Span<ushort>()[index] = (ushort)value; break;
                case ElementType.Int8: Span<sbyte>()[index] = (sbyte)value; break;
                case ElementType.UInt8: Bytes[index] = (byte)value; break;
                case ElementType.Bool: Bytes[index] = value != 0 ? (byte)1 : (byte)0; break;
                default: SetDouble(index, value); break;
            }
        }
    }

    /// <summary>The bits of a float rounded to bfloat16, to nearest even; a NaN stays one.</summary>
    public static ushort BFloat16Bits(float value)
    {
        if (float.IsNaN(value)) return 0x7FC0;
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static long CountOf(long[] dims)
    {
        long count = 1;
        foreach (long dim in dims)
        {
            if (dim < 0) throw new OverflowException($"A dim is {dim}.");
            count = checked(count * dim);
        }

        return count;
    }
}
