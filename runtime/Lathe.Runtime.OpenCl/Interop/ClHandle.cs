using System.Runtime.InteropServices;

namespace Lathe.Runtime.OpenCl.Interop;

/// <summary>Owns an object of OpenCL, which counts its references itself: one is given back when this is disposed.</summary>
internal sealed unsafe class ClHandle : SafeHandle
{
    private readonly delegate*<nint, int> _release;

    /// <param name="handle">The object; 0 owns nothing.</param>
    /// <param name="release">What gives its reference back.</param>
    public ClHandle(nint handle, delegate*<nint, int> release)
        : base(0, ownsHandle: true)
    {
        _release = release;
        SetHandle(handle);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>The object, for calls while this is referenced.</summary>
    public nint Value => handle;

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => _release(handle) == CL.Success;
}
