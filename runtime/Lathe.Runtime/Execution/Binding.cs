using System.Buffers;

namespace Lathe.Runtime.Execution;

/// <summary>Memory of the caller that an input or output is bound to.</summary>
/// <param name="pointer">The first element.</param>
/// <param name="room">How many bytes of it may be used.</param>
/// <param name="pin">What keeps it in its place.</param>
/// <param name="owner">What is disposed when it is no longer needed.</param>
internal readonly unsafe struct Binding(byte* pointer, long room, MemoryHandle pin = default, IDisposable? owner = null) : IDisposable
{
    private readonly MemoryHandle _pin = pin;

    public byte* Pointer { get; } = pointer;

    public long Room { get; } = room;

    public IDisposable? Owner { get; } = owner;

    /// <summary>Lets go of it.</summary>
    public void Dispose()
    {
        Unpin();
        Owner?.Dispose();
    }

    /// <summary>Lets go of it and leaves its owner to the caller.</summary>
    public void Unpin()
    {
        MemoryHandle pin = _pin;
        pin.Dispose();
    }
}
