namespace Lathe.Runtime.Devices;

/// <summary>A place in a device's memory: the number of a memory of a <see cref="DeviceRequest"/> and an offset. It fits a pointer, which nobody on the host follows.</summary>
public readonly record struct DeviceAddress
{
    private const int OffsetBits = 44;

    private readonly nint _value;

    /// <summary>The place at an offset into a memory.</summary>
    /// <param name="memory">The memory's number: <see cref="Weights"/>, <see cref="Arena"/>, <see cref="Prepared"/>, or <see cref="FirstTensor"/> plus that of an input or output.</param>
    /// <param name="offset">The offset in bytes.</param>
    /// <exception cref="OverflowException">The offset has more than 44 bits.</exception>
    public DeviceAddress(int memory, long offset) =>
        _value = offset is >= 0 and < 1L << OffsetBits ? (nint)(((long)memory << OffsetBits) | offset) : throw new OverflowException("A place in a device's memory does not fit 44 bits.");

    private DeviceAddress(nint value) => _value = value;

    /// <summary>The number of the weights.</summary>
    public static int Weights => 0;

    /// <summary>The number of a request's arena.</summary>
    public static int Arena => 1;

    /// <summary>The number of what was prepared of the weights.</summary>
    public static int Prepared => 2;

    /// <summary>The number of a request's first input; the others follow, and then the outputs.</summary>
    public static int FirstTensor => 3;

    /// <summary>The memory's number.</summary>
    public int Memory => (int)((long)_value >> OffsetBits);

    /// <summary>The offset in bytes.</summary>
    public long Offset => (long)_value & ((1L << OffsetBits) - 1);

    internal static unsafe DeviceAddress Of(byte* pointer) => new((nint)pointer);

    internal unsafe byte* ToPointer() => (byte*)_value;
}
