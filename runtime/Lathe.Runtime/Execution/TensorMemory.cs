using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>
/// An input or output of a request: its shape and where its elements lie. Its own memory is a pinned array, so that a span of it stays valid
/// memory whatever becomes of the request.
/// </summary>
internal sealed unsafe class TensorMemory
{
    private readonly PlanTensor _tensor;
    private readonly byte[] _array;
    private readonly int _offset;

    /// <exception cref="LatheException">LATHE0506: there is not so much memory.</exception>
    public TensorMemory(PlanTensor tensor, long[] shape, int bytes)
    {
        _tensor = tensor;
        Shape = shape;
        Bytes = bytes;
        try
        {
            _array = GC.AllocateArray<byte>(checked(bytes + Plan.Alignment), pinned: true);
        }
        catch (Exception e) when (e is OutOfMemoryException or OverflowException)
        {
            throw new LatheException(ErrorIds.DoesNotFit, $"'{tensor.Name}' would take {bytes} bytes, which this process cannot have.", e);
        }

        byte* start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_array));
        _offset = (int)(-(nint)start & (Plan.Alignment - 1));
        Own = Current = start + _offset;
    }

    public string Name => _tensor.Name;

    public ElementType Type => _tensor.Type;

    public long[] Shape { get; }

    public int Bytes { get; }

    /// <summary>The request's own memory for it.</summary>
    public byte* Own { get; }

    /// <summary>Where the elements are now: the request's own memory, or the caller's.</summary>
    public byte* Current { get; set; }

    /// <summary>The entries of the request's pointer table that point to it.</summary>
    public List<int> Slots { get; } = [];

    /// <summary>The elements as bytes.</summary>
    public Span<byte> Span => Current == Own ? _array.AsSpan(_offset, Bytes) : new Span<byte>(Current, Bytes);

    /// <summary>The elements as values of a type that stands for the tensor's.</summary>
    /// <exception cref="ArgumentException">The type does not stand for the tensor's.</exception>
    public Span<T> As<T>()
        where T : unmanaged
    {
        if (!StandsFor<T>(Type)) throw new ArgumentException($"'{Name}' has elements of type {Type.Name()}, not {typeof(T).Name}.");
        return MemoryMarshal.Cast<byte, T>(Span);
    }

    private static bool StandsFor<T>(ElementType type) => type switch
    {
        ElementType.Float32 => typeof(T) == typeof(float),
        ElementType.Float64 => typeof(T) == typeof(double),
        ElementType.Float16 => typeof(T) == typeof(Half) || typeof(T) == typeof(ushort),
        ElementType.BFloat16 => typeof(T) == typeof(ushort),
        ElementType.Bool => typeof(T) == typeof(bool) || typeof(T) == typeof(byte),
        ElementType.UInt8 => typeof(T) == typeof(byte),
        ElementType.Int8 => typeof(T) == typeof(sbyte),
        ElementType.UInt16 => typeof(T) == typeof(ushort),
        ElementType.Int16 => typeof(T) == typeof(short),
        ElementType.UInt32 => typeof(T) == typeof(uint),
        ElementType.Int32 => typeof(T) == typeof(int),
        ElementType.UInt64 => typeof(T) == typeof(ulong),
        ElementType.Int64 => typeof(T) == typeof(long),
        _ => false,
    };
}
