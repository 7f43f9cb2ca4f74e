namespace Lathe.Runtime.Devices;

/// <summary>
/// The memory and the queue of one inference at a time on a device. Work is done in the order in which it is asked for. Used by one thread at a time.
/// </summary>
/// <remarks>
/// All members throw <see cref="LatheException"/>: LATHE0506 where there is not enough memory, LATHE0511 where the device fails.
/// </remarks>
public abstract unsafe class DeviceRequest : IDisposable
{
    /// <summary>Gives the arena a size, between inferences or during one.</summary>
    /// <param name="bytes">The size.</param>
    /// <param name="kept">How many bytes from the start keep what they hold.</param>
    public abstract void ResizeArena(long bytes, long kept);

    /// <summary>Says where an input or output lies in the host's memory, between inferences or, of an output, during one.</summary>
    /// <param name="tensor">The number of the input, or that of the output behind all inputs.</param>
    /// <param name="pointer">The first element; null while there are none.</param>
    /// <param name="bytes">The size.</param>
    public abstract void Bind(int tensor, byte* pointer, long bytes);

    /// <summary>Begins an inference: the inputs are the device's from here on.</summary>
    public abstract void Begin();

    /// <summary>Starts a kernel.</summary>
    /// <param name="launch">The kernel and what it is given.</param>
    public abstract void Launch(in DeviceLaunch launch);

    /// <summary>Starts to copy the host's memory to the device's. The host leaves it unchanged until it has waited.</summary>
    /// <param name="step">The number of the step among the request's.</param>
    /// <param name="to">The place in the device's memory.</param>
    /// <param name="from">The host's memory.</param>
    /// <param name="bytes">How many; more than 0.</param>
    /// <returns>What <see cref="Wait"/> is given; valid until the inference ends.</returns>
    public abstract long Write(int step, DeviceAddress to, byte* from, long bytes);

    /// <summary>Starts to copy the device's memory to the host's, which has it once it has waited.</summary>
    /// <inheritdoc cref="Write"/>
    /// <param name="step">The number of the step among the request's.</param>
    /// <param name="from">The place in the device's memory.</param>
    /// <param name="to">The host's memory.</param>
    /// <param name="bytes">How many; more than 0.</param>
    public abstract long StartRead(int step, DeviceAddress from, byte* to, long bytes);

    /// <summary>Waits until a copy, and with it all that was asked for before it, is done.</summary>
    /// <param name="ticket">What <see cref="Write"/> or <see cref="StartRead"/> gave.</param>
    public abstract void Wait(long ticket);

    /// <summary>Waits for what was started and reads its result.</summary>
    public abstract void Read(DeviceAddress from, byte* to, long bytes);

    /// <summary>Copies memory of the device that does not overlap.</summary>
    public abstract void Copy(DeviceAddress to, DeviceAddress from, long bytes);

    /// <summary>Ends an inference, also one that failed: waits, and the outputs are the host's.</summary>
    public abstract void End();

    /// <summary>Calls back for every launch and every copy with a step of the last inference that was measured, with its step and the nanoseconds that it took.</summary>
    public abstract void Measured(Action<int, long> each);

    /// <summary>The milliseconds that the last inference would have taken, of a device that keeps a clock of its own; null for all others.</summary>
    public virtual double? SimulatedMs => null;

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

/// <summary>A call of a kernel on a device.</summary>
/// <param name="step">The number of the step among the request's.</param>
/// <param name="function">The kernel: its <see cref="Plans.PlanVariant.Function"/>.</param>
/// <param name="buffers">Its buffers.</param>
/// <param name="bufferCount">How many.</param>
/// <param name="dims">Its dims.</param>
/// <param name="dimCount">How many.</param>
/// <param name="extent">The length of its parallel axis; greater than 0.</param>
/// <param name="scratchBytes">The scratch memory of each work-item.</param>
public readonly unsafe ref struct DeviceLaunch(int step, int function, DeviceAddress* buffers, int bufferCount, nint* dims, int dimCount, nint extent, long scratchBytes)
{
    /// <summary>The number of the step among the request's.</summary>
    public int Step { get; } = step;

    /// <summary>The kernel: its <see cref="Plans.PlanVariant.Function"/>.</summary>
    public int Function { get; } = function;

    /// <summary>Its buffers.</summary>
    public ReadOnlySpan<DeviceAddress> Buffers { get; } = new(buffers, bufferCount);

    /// <summary>Its dims.</summary>
    public ReadOnlySpan<nint> Dims { get; } = new(dims, dimCount);

    /// <summary>The length of its parallel axis.</summary>
    public long Extent { get; } = extent;

    /// <summary>The scratch memory of each work-item.</summary>
    public long ScratchBytes { get; } = scratchBytes;

    /// <summary>The operators that it computes, joined with '+'.</summary>
    public string Op { get; init; } = "";

    /// <summary>The arithmetic that it uses.</summary>
    public string Precision { get; init; } = "";

    /// <summary>How many multiply-accumulates it does.</summary>
    public long Macs { get; init; }

    /// <summary>How many bytes it reads and writes at least.</summary>
    public long Traffic { get; init; }
}
