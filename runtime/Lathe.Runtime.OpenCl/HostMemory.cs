using Lathe.Runtime.OpenCl.Interop;

namespace Lathe.Runtime.OpenCl;

/// <summary>Memory of the host that a device uses: that of an input or output, or of several inputs that are bound to one place.</summary>
/// <param name="handle">The memory as the device knows it; owned.</param>
/// <param name="pointer">Where it begins.</param>
/// <param name="bytes">Its size.</param>
internal sealed unsafe class HostMemory(ClHandle handle, byte* pointer, long bytes)
{
    public ClHandle Handle => handle;

    public byte* Pointer => pointer;

    public long Bytes => bytes;

    /// <summary>True while it is the host's.</summary>
    public bool IsMapped { get; private set; }

    /// <summary>How many inputs or outputs use it.</summary>
    public int Users { get; set; }

    /// <summary>Makes it the host's.</summary>
    /// <exception cref="LatheException">LATHE0511: the device fails.</exception>
    public void Map(ClHandle queue, bool isBlocking)
    {
        if (IsMapped) return;
        int error;
        CL.EnqueueMapBuffer(queue.Value, handle.Value, isBlocking ? 1u : 0u, CL.MapRead | CL.MapWrite, 0, (nuint)bytes, 0, null, null, &error);
        ClError.Check(error, "Mapping an input or output");
        IsMapped = true;
    }

    /// <summary>Makes it the device's.</summary>
    /// <exception cref="LatheException">LATHE0511: the device fails.</exception>
    public void Unmap(ClHandle queue)
    {
        if (!IsMapped) return;
        IsMapped = false;
        ClError.Check(CL.EnqueueUnmapMemObject(queue.Value, handle.Value, pointer, 0, null, null), "Unmapping an input or output");
    }
}
