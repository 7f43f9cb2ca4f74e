using System.Runtime.InteropServices;

namespace Lathe.Runtime.Execution;

/// <summary>
/// A zeroed block of native memory, aligned to 64 bytes, from 1 MiB on to a page of 4096. It may hold on to another block, which then lives
/// at least as long.
/// </summary>
internal sealed unsafe class NativeBlock : SafeHandle
{
    private const long Large = 1 << 20;

    private static int _live;

    private readonly SafeHandle? _keeps;
    private nint _pointer;

    private NativeBlock(SafeHandle? keeps)
        : base(0, ownsHandle: true)
    {
        if (keeps is null) return;
        bool added = false;
        keeps.DangerousAddRef(ref added);
        _keeps = keeps;
    }

    /// <summary>How many there are in the process.</summary>
    public static int Live => Volatile.Read(ref _live);

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    public byte* Pointer => (byte*)_pointer;

    /// <summary>Its size.</summary>
    public long Bytes { get; private set; }

    /// <param name="bytes">The size; not negative.</param>
    /// <param name="what">What the memory is for, as the beginning of a message.</param>
    /// <param name="keeps">A block that is not freed before this one; null for none.</param>
    /// <exception cref="LatheException">LATHE0506: there is not so much memory.</exception>
    public static NativeBlock Allocate(long bytes, string what, SafeHandle? keeps = null)
    {
        // Linux promises memory that it does not have and kills the process that writes to it, so what cannot be is refused here.
        if (bytes > GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) throw DoesNotFit(bytes, what, null);
        NativeBlock block = new(keeps);
        try
        {
            // Not AlignedAlloc and Clear: the system gives large zeroed blocks page by page as they are used.
            int alignment = bytes >= Large ? 4096 : 64;
            block.handle = (nint)NativeMemory.AllocZeroed((nuint)bytes + (nuint)alignment);
            block.Bytes = bytes;
            Interlocked.Increment(ref _live);
            block._pointer = (block.handle + alignment - 1) & -alignment;
            return block;
        }
        catch (OutOfMemoryException e)
        {
            // Without a handle, disposal would not let go of what it keeps.
            keeps?.DangerousRelease();
            block.SetHandleAsInvalid();
            throw DoesNotFit(bytes, what, e);
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativeMemory.Free((void*)handle);
        Interlocked.Decrement(ref _live);
        _keeps?.DangerousRelease();
        return true;
    }

    private static LatheException DoesNotFit(long bytes, string what, Exception? cause) =>
        new(ErrorIds.DoesNotFit, $"{what} would take {bytes} bytes, which this process cannot have.", cause);
}
