using Lathe.Runtime.Devices;
using Lathe.Runtime.OpenCl.Interop;

namespace Lathe.Runtime.OpenCl;

/// <content>Copies that the host does not wait for at once.</content>
internal sealed unsafe partial class OpenClRequest
{
    private readonly List<(int Step, ClHandle Event)> _copies = [];

    /// <inheritdoc/>
    public override long Write(int step, DeviceAddress to, byte* from, long bytes)
    {
        nint signal;
        ClError.Check(CL.EnqueueWriteBuffer(_queue.Value, _memories[to.Memory].Value, 0, (nuint)to.Offset, (nuint)bytes, from, 0, null, &signal), InTheRun);
        return Copied(step, signal);
    }

    /// <inheritdoc/>
    public override long StartRead(int step, DeviceAddress from, byte* to, long bytes)
    {
        nint signal;
        ClError.Check(CL.EnqueueReadBuffer(_queue.Value, _memories[from.Memory].Value, 0, (nuint)from.Offset, (nuint)bytes, to, 0, null, &signal), InTheRun);
        return Copied(step, signal);
    }

    /// <inheritdoc/>
    public override void Wait(long ticket)
    {
        nint signal = _copies[(int)ticket].Event.Value;
        ClError.Check(CL.WaitForEvents(1, &signal), InTheRun);
    }

    private static void Forget(List<(int Step, ClHandle Event)> events)
    {
        foreach ((_, ClHandle signal) in events) signal.Dispose();
        events.Clear();
    }

    /// <summary>Keeps the event of a copy, and has the driver begin with what is in the queue.</summary>
    private long Copied(int step, nint signal)
    {
        _copies.Add((step, new(signal, &CL.ReleaseEvent)));
        ClError.Check(CL.Flush(_queue.Value), InTheRun);
        return _copies.Count - 1;
    }
}
