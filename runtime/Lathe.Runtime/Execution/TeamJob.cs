namespace Lathe.Runtime.Execution;

/// <summary>A kernel call that is being divided among a caller and workers. One per request, used again for every step.</summary>
/// <param name="threads">The most threads that take part.</param>
/// <param name="flushDenormals">Whether helpers compute as the caller does, which flushes denormal numbers.</param>
internal sealed unsafe class TeamJob(int threads, bool flushDenormals)
{
    private Operation _operation;
    private byte* _scratch;
    private long _scratchStride;
    private int _parts;
    private int _error;
    private Exception? _failure;

    /// <summary>The workers that help, in the order of the slices they run.</summary>
    public TeamWorker[] Helpers { get; } = new TeamWorker[Math.Max(0, threads - 1)];

    /// <summary>The first error code that a slice returned; 0 if none did.</summary>
    public int Error => _error;

    /// <summary>What a slice threw; null if none did.</summary>
    public Exception? Failure => _failure;

    public void Set(in Operation operation, byte* scratch, long scratchStride)
    {
        _operation = operation;
        _scratch = scratch;
        _scratchStride = scratchStride;
        _error = 0;
        _failure = null;
    }

    /// <summary>Sets into how many contiguous slices the extent is divided; their lengths differ by one at most.</summary>
    public void Divide(int parts) => _parts = parts;

    /// <summary>Runs a slice on a thread other than the caller's.</summary>
    public void RunSliceElsewhere(int slice)
    {
        if (!flushDenormals)
        {
            RunSlice(slice);
            return;
        }

        uint mode = FloatingPointMode.Flush();
        RunSlice(slice);
        FloatingPointMode.Restore(mode);
    }

    /// <summary>Runs a slice in the calling thread's mode; what it throws or returns is kept.</summary>
    public void RunSlice(int slice)
    {
        (nint quotient, nint remainder) = Math.DivRem(_operation.Extent, _parts);
        nint from = (slice * quotient) + nint.Min(slice, remainder), to = from + quotient + (slice < remainder ? 1 : 0);
        try
        {
            byte* scratch = _scratch + (slice * _scratchStride);
            int error = _operation.IsNative
                ? ((delegate* unmanaged<byte**, nint*, nint, nint, byte*, int>)_operation.Function)(_operation.Buffers, _operation.Dims, from, to, scratch)
                : _operation.Function(_operation.Buffers, _operation.Dims, from, to, scratch);
            if (error != 0) Interlocked.CompareExchange(ref _error, error, 0);
        }
        catch (Exception e)
        {
            _failure = e;
        }
    }
}
