using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Devices;

/// <summary>
/// A model's kernels and weights on a device other than the CPU; what <see cref="CompiledModule.OpenDevice"/> makes. Safe for concurrent use. Requests may outlive it.
/// </summary>
public abstract class DeviceModel : IDisposable
{
    /// <summary>The device's name in plans, on command lines and in counters: <c>GPU</c>.</summary>
    public abstract string Device { get; }

    /// <summary>The kind of its kernels in counters: <c>opencl</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The device in words, with its driver.</summary>
    public abstract string Description { get; }

    /// <summary>The instruction set whose variant of each kernel runs: its vectors are those of the device.</summary>
    public abstract Isa Isa { get; }

    /// <summary>How many of the host's processors its kernels use, at most; 0 for processors of its own.</summary>
    public abstract int Threads { get; }

    /// <summary>How many requests keep it busy when they run at the same time, at least.</summary>
    public virtual int OptimalRequests => 1;

    /// <summary>How many of the host's processors its driver needs while the host computes as well.</summary>
    public virtual int DriverThreads => 0;

    /// <summary>What the user should know, one sentence each.</summary>
    public virtual IReadOnlyList<string> Warnings => [];

    /// <summary>Makes what one inference at a time needs.</summary>
    /// <exception cref="LatheException">LATHE0506: there is not enough memory. LATHE0511: the device fails.</exception>
    public abstract DeviceRequest CreateRequest();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>What <see cref="Dispose()"/> does.</summary>
    /// <param name="disposing">True, as there is no finalizer.</param>
    protected abstract void Dispose(bool disposing);
}
