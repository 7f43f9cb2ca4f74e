using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>
/// An input or output of a request: its shape and where its elements lie. Its own memory is a pinned array, so that a span of it stays valid
/// memory whatever becomes of the request.
/// </summary>
internal sealed unsafe class TensorMemory(PlanTensor tensor)
{
    private readonly long[] _shape = new long[tensor.Dims.Count];
    private byte[] _array = [];
    private int _offset;

    public string Name => tensor.Name;

    public ElementType Type => tensor.Type;

    /// <summary>The dims; of a tensor whose shape data determine, zeros before the first inference.</summary>
    public long[] Shape => _shape;

    public int Bytes { get; private set; }

    /// <summary>The request's own memory for it.</summary>
    public byte* Own { get; private set; }

    /// <summary>The caller's memory that it is bound to; null for its own.</summary>
    public Binding? Bound { get; private set; }

    /// <summary>Where the elements are now.</summary>
    public byte* Current => Bound is { } bound ? bound.Pointer : Own;

    /// <summary>The step after which the shape is known; null if it is known with the request.</summary>
    public Assignment? ShapedBy { get; set; }

    /// <summary>True if its memory may have gaps.</summary>
    public bool TakesStrides => tensor.Strides.Count > 0;

    /// <summary>False while the caller's memory has gaps.</summary>
    public bool IsDense { get; private set; } = true;

    /// <summary>The operations that read it at strides.</summary>
    public List<int> Readers { get; } = [];

    /// <summary>The entries of the request's pointer table that point to it.</summary>
    public List<int> Slots { get; } = [];

    /// <summary>Gives it a shape. Its own memory is taken anew where it is too small, and is then zero.</summary>
    /// <exception cref="LatheException">LATHE0506: there is not so much memory. LATHE0509: the caller's memory is too small.</exception>
    public void Resize(ReadOnlySpan<long> shape)
    {
        int bytes = BytesOf(shape);
        if (Bound is { } bound)
        {
            if (bytes > bound.Room)
                throw new LatheException(ErrorIds.Binding, $"'{Name}' has a shape of {string.Join(',', shape.ToArray())}: {bytes} bytes, and is bound to memory of {bound.Room}.");
        }
        else if (Own == null || bytes > _array.Length - _offset)
        {
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
            Own = start + _offset;
        }

        shape.CopyTo(_shape);
        Bytes = bytes;
    }

    /// <summary>True if neighbours along a dim may be further apart than what lies between them.</summary>
    public bool TakesStride(int dim) => TakesStrides && tensor.Strides[dim] >= 0;

    /// <summary>Gives the strides their values.</summary>
    /// <param name="strides">The strides; empty for those of dense memory.</param>
    /// <param name="dims">The values of the plan's symbols.</param>
    /// <returns>True if one has changed.</returns>
    public bool SetStrides(ReadOnlySpan<long> strides, long[] dims)
    {
        bool isChanged = false;
        long dense = 1;
        IsDense = true;
        for (int i = _shape.Length - 1; i >= 0; i--)
        {
            long stride = strides.IsEmpty || _shape[i] == 1 ? dense : strides[i];
            IsDense &= stride == dense;
            if (TakesStride(i))
            {
                isChanged |= dims[tensor.Strides[i]] != stride;
                dims[tensor.Strides[i]] = stride;
            }

            dense = Math.Max(1, dense * _shape[i]);
        }

        return isChanged;
    }

    /// <summary>Puts the elements into the caller's memory, or, for null, into the request's own.</summary>
    /// <returns>What is no longer needed.</returns>
    public Binding? Bind(Binding? binding)
    {
        Binding? old = Bound;
        Bound = binding;
        if (ShapedBy is not null)
        {
            // The next inference sizes it anew, for the memory that it then has.
            Array.Clear(_shape);
            Bytes = 0;
            ShapedBy.IsStale = true;
        }

        return old;
    }

    /// <summary>True if memory is part of what inferences use, or will use after unbinding.</summary>
    public bool Overlaps(byte* pointer, long bytes) =>
        Overlap(pointer, bytes, Own, Own == null ? 0 : _array.Length - _offset) || (Bound is { } bound && Overlap(pointer, bytes, bound.Pointer, bound.Room));

    /// <summary>The elements as bytes.</summary>
    /// <exception cref="InvalidOperationException">The memory has gaps.</exception>
    public Span<byte> Span => Bound is null ? _array.AsSpan(_offset, Bytes)
        : IsDense ? new Span<byte>(Current, Bytes)
        : throw new InvalidOperationException($"'{Name}' is bound to memory with strides, which is no span.");

    /// <summary>The elements as values of a type that stands for the tensor's.</summary>
    /// <exception cref="ArgumentException">The type does not stand for the tensor's.</exception>
    public Span<T> As<T>()
        where T : unmanaged
    {
        Require<T>();
        return MemoryMarshal.Cast<byte, T>(Span);
    }

    /// <exception cref="ArgumentException">The type does not stand for the tensor's.</exception>
    public void Require<T>()
        where T : unmanaged
    {
        if (!StandsFor<T>(Type)) throw new ArgumentException($"'{Name}' has elements of type {Type.Name()}, not {typeof(T).Name}.");
    }

    private static bool Overlap(byte* a, long aBytes, byte* b, long bBytes) => a < b ? b - a < aBytes : a - b < bBytes;

    private int BytesOf(ReadOnlySpan<long> shape)
    {
        // A dim of 0 makes the tensor empty whatever the others are.
        foreach (long dim in shape)
            if (dim == 0) return 0;
        long bytes = tensor.Type.Size();
        foreach (long dim in shape)
        {
            if (dim > int.MaxValue / bytes)
                throw new LatheException(ErrorIds.DoesNotFit, $"'{tensor.Name}' has a shape of {string.Join(',', shape.ToArray())}: more than 2 GiB.");
            bytes *= dim;
        }

        return (int)bytes;
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
