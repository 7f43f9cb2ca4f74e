using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>Typed memory of the interpreter. It knows which elements were ever written, so that reading another one is an error.</summary>
public sealed class Memory
{
    private readonly byte[] _bytes;
    private readonly int _size;
    private bool[]? _written;

    private Memory(ElementType element, byte[] bytes, bool initialised)
    {
        Element = element;
        _bytes = bytes;
        _size = element.Size();
        Count = bytes.LongLength / _size;
        if (!initialised) _written = new bool[Count];
    }

    /// <summary>The type of an element.</summary>
    public ElementType Element { get; }

    /// <summary>The number of elements.</summary>
    public long Count { get; }

    /// <summary>All bytes, whether written or not.</summary>
    public Span<byte> Bytes => _bytes;

    /// <summary>Tracks who touched an element of a work-group's memory since the last barrier; null for other memory.</summary>
    internal RaceCheck? Races { get; init; }

    /// <summary>Memory in which nothing was written yet; its bytes hold a pattern that is unlikely to look right.</summary>
    public static Memory Uninitialised(ElementType element, long count) => Uninitialised(element, count, null);

    /// <summary>Memory of zeros.</summary>
    public static Memory Zeros(ElementType element, long count) => new(element, new byte[count * element.Size()], initialised: true);

    /// <summary>A copy of values; the element type is that of <typeparamref name="T"/>.</summary>
    public static Memory Of<T>(ReadOnlySpan<T> values)
        where T : unmanaged => Of(ElementOf<T>(), values);

    /// <summary>A copy of values.</summary>
    public static Memory Of<T>(params T[] values)
        where T : unmanaged => Of(ElementOf<T>(), (ReadOnlySpan<T>)values);

    /// <summary>A copy of values whose bits are those of the element type, such as <see cref="ushort"/> for bfloat16.</summary>
    public static Memory Of<T>(ElementType element, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        if (Unsafe.SizeOf<T>() != element.Size()) throw new ArgumentException($"{typeof(T).Name} is no {element.Name()}.", nameof(element));
        return new Memory(element, MemoryMarshal.AsBytes(values).ToArray(), initialised: true);
    }

    /// <summary>Memory that holds numbers of any element type.</summary>
    /// <exception cref="InterpreterException">The type does not hold one of them exactly.</exception>
    internal static Memory Of(ElementType element, IReadOnlyList<double> values)
    {
        Memory memory = Uninitialised(element, values.Count);
        for (int i = 0; i < values.Count; i++)
        {
            if (element.IsFloat()) memory.SetFloat(i, values[i]);
            else memory.SetInteger(i, (long)values[i]);
            double held = element.IsFloat() ? memory.GetFloat(i) : memory.GetInteger(i);
            if (!held.Equals(values[i])) throw new InterpreterException($"has {values[i]}, which is no {element.Name()}");
        }

        return memory;
    }

    /// <summary>The elements as values of the same size.</summary>
    public Span<T> As<T>()
        where T : unmanaged => Unsafe.SizeOf<T>() == _size
            ? MemoryMarshal.Cast<byte, T>(_bytes.AsSpan())
            : throw new InvalidOperationException($"{typeof(T).Name} is no {Element.Name()}.");

    /// <summary>True if the element was written or given.</summary>
    public bool IsWritten(long index) => _written is null || _written[index];

    /// <summary>Declares every element written, as after a call of compiled code.</summary>
    public void MarkWritten() => _written = null;

    /// <summary>A copy with its own bytes.</summary>
    public Memory Copy()
    {
        Memory copy = new(Element, (byte[])_bytes.Clone(), initialised: true);
        copy._written = (bool[]?)_written?.Clone();
        return copy;
    }

    /// <summary>The value of an element of a float type.</summary>
    public double GetFloat(long index)
    {
        ref byte at = ref _bytes[index * _size];
        return Element switch
        {
            ElementType.Float32 => Unsafe.ReadUnaligned<float>(ref at),
            ElementType.Float64 => Unsafe.ReadUnaligned<double>(ref at),
            ElementType.Float16 => (double)Unsafe.ReadUnaligned<Half>(ref at),
            ElementType.BFloat16 => LaneArithmetic.FromBFloat16(Unsafe.ReadUnaligned<ushort>(ref at)),
            _ => throw new InvalidOperationException($"{Element.Name()} is no float type."),
        };
    }

    /// <summary>Sets an element of a float type; the value is rounded to it.</summary>
    public void SetFloat(long index, double value)
    {
        ref byte at = ref _bytes[index * _size];
        switch (Element)
        {
            case ElementType.Float32: Unsafe.WriteUnaligned(ref at, (float)value); break;
            case ElementType.Float64: Unsafe.WriteUnaligned(ref at, value); break;
            case ElementType.Float16: Unsafe.WriteUnaligned(ref at, (Half)value); break;
            case ElementType.BFloat16: Unsafe.WriteUnaligned(ref at, LaneArithmetic.ToBFloat16(value)); break;
            default: throw new InvalidOperationException($"{Element.Name()} is no float type.");
        }

        if (_written is not null) _written[index] = true;
    }

    /// <summary>The value of an element of an integer type or a bool; of a uint64 its bits.</summary>
    public long GetInteger(long index)
    {
        ref byte at = ref _bytes[index * _size];
        return Element switch
        {
            ElementType.UInt8 or ElementType.Bool => at,
            ElementType.Int8 => (sbyte)at,
            ElementType.UInt16 => Unsafe.ReadUnaligned<ushort>(ref at),
            ElementType.Int16 => Unsafe.ReadUnaligned<short>(ref at),
            ElementType.UInt32 => Unsafe.ReadUnaligned<uint>(ref at),
            ElementType.Int32 => Unsafe.ReadUnaligned<int>(ref at),
            ElementType.Int64 or ElementType.UInt64 => Unsafe.ReadUnaligned<long>(ref at),
            _ => throw new InvalidOperationException($"{Element.Name()} is no integer type."),
        };
    }

    /// <summary>Sets an element of an integer type or a bool; the value is wrapped to it.</summary>
    public void SetInteger(long index, long value)
    {
        ref byte at = ref _bytes[index * _size];
        switch (_size)
        {
            case 1: at = unchecked((byte)value); break;
            case 2: Unsafe.WriteUnaligned(ref at, unchecked((short)value)); break;
            case 4: Unsafe.WriteUnaligned(ref at, unchecked((int)value)); break;
            default: Unsafe.WriteUnaligned(ref at, value); break;
        }

        if (_written is not null) _written[index] = true;
    }

    /// <summary>Such memory, with a check for races.</summary>
    internal static Memory Uninitialised(ElementType element, long count, RaceCheck? races) =>
        new(element, Filled(element, count), initialised: false) { Races = races };

    private static byte[] Filled(ElementType element, long count)
    {
        byte[] bytes = new byte[checked(count * element.Size())];
        Array.Fill(bytes, (byte)0xAD);
        return bytes;
    }

    private static ElementType ElementOf<T>() => Type.GetTypeCode(typeof(T)) switch
    {
        TypeCode.Single => ElementType.Float32,
        TypeCode.Double => ElementType.Float64,
        TypeCode.Byte => ElementType.UInt8,
        TypeCode.SByte => ElementType.Int8,
        TypeCode.UInt16 => ElementType.UInt16,
        TypeCode.Int16 => ElementType.Int16,
        TypeCode.UInt32 => ElementType.UInt32,
        TypeCode.Int32 => ElementType.Int32,
        TypeCode.UInt64 => ElementType.UInt64,
        TypeCode.Int64 => ElementType.Int64,
        TypeCode.Boolean => ElementType.Bool,
        _ when typeof(T) == typeof(Half) => ElementType.Float16,
        _ => throw new NotSupportedException($"{typeof(T).Name} is the type of no element."),
    };
}
