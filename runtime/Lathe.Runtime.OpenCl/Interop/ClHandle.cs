using System.Runtime.InteropServices;

namespace Lathe.Runtime.OpenCl.Interop;

/// <summary>Owns an object of OpenCL, which counts its references itself: one is given back when this is disposed and nobody holds a reference on this.</summary>
internal sealed unsafe class ClHandle : SafeHandle
{
    private readonly delegate*<nint, int> _release;
    private readonly ClHandle[] _parents = [];

    /// <param name="handle">The object; 0 owns nothing.</param>
    /// <param name="release">What gives its reference back.</param>
    public ClHandle(nint handle, delegate*<nint, int> release)
        : base(0, ownsHandle: true)
    {
        _release = release;
        SetHandle(handle);
    }

    /// <param name="create">Makes the object.</param>
    /// <param name="release">What gives its reference back.</param>
    /// <param name="parents">What is not released before it, whoever disposes them; held already while it is made.</param>
    /// <exception cref="ObjectDisposedException">A parent is disposed.</exception>
    public ClHandle(Func<nint> create, delegate*<nint, int> release, params ClHandle[] parents)
        : base(0, ownsHandle: true)
    {
        _release = release;
        _parents = parents;
        int held = 0;
        try
        {
            for (; held < parents.Length; held++)
            {
                bool added = false;
                parents[held].DangerousAddRef(ref added);
            }

            SetHandle(create());
        }
        finally
        {
            // What is invalid is never released.
            if (IsInvalid) LetGo(held);
        }
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>The object, for calls while this is referenced.</summary>
    public nint Value => handle;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        bool isReleased = _release(handle) == CL.Success;
        LetGo(_parents.Length);
        return isReleased;
    }

    private void LetGo(int held)
    {
        for (int i = 0; i < held; i++) _parents[i].DangerousRelease();
    }
}
