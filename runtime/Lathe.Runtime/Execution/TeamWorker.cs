using System.Runtime.InteropServices;

namespace Lathe.Runtime.Execution;

/// <summary>
/// A thread that runs slices for whoever leases it. Everything goes through one word: idle or parked → leased → assigned → running → done →
/// idle; what is assigned but not yet begun can be recalled.
/// </summary>
internal sealed class TeamWorker
{
    private const int Idle = 0;
    private const int Parked = 1;
    private const int Leased = 2;
    private const int Assigned = 3;
    private const int Running = 4;
    private const int Done = 5;

    // Long enough to bridge the short steps between two divided ones; waking a parked thread takes some 40 µs.
    private const int SpinIterations = 4000;

    private readonly object _gate = new();
    private PaddedWord _state;
    private bool _woken;
    private TeamJob? _job;
    private int _slice;

    public TeamWorker(int number) =>
        new Thread(Work) { IsBackground = true, Name = $"Lathe worker {number}" }.UnsafeStart();

    /// <summary>Takes the worker, which must then be assigned a slice.</summary>
    /// <param name="wasParked">Whether the worker sleeps and must be woken by <see cref="Assign"/>.</param>
    /// <returns>False if somebody else has it.</returns>
    public bool TryLease(out bool wasParked)
    {
        int state = Volatile.Read(ref _state.Value);
        wasParked = state == Parked;
        return state is Idle or Parked && Interlocked.CompareExchange(ref _state.Value, Leased, state) == state;
    }

    /// <summary>Gives the leased worker a slice to run.</summary>
    public void Assign(TeamJob job, int slice, bool wake)
    {
        _job = job;
        _slice = slice;
        Volatile.Write(ref _state.Value, Assigned);
        if (!wake) return;
        lock (_gate)
        {
            _woken = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Takes the slice back and lets the worker go; false if the worker has begun it.</summary>
    public bool TryRecall() => Interlocked.CompareExchange(ref _state.Value, Idle, Assigned) == Assigned;

    /// <summary>Waits until the slice is done and lets the worker go.</summary>
    public void Join()
    {
        for (int i = 0; Volatile.Read(ref _state.Value) != Done; i++)
        {
            if (i < SpinIterations) Thread.SpinWait(1);
            else Thread.Yield();
        }

        Volatile.Write(ref _state.Value, Idle);
    }

    private void Work()
    {
        // A thread begins in the mode of the one that made it, which may flush just then.
        FloatingPointMode.Reset();
        for (int spin = 0; ; spin++)
        {
            int state = Volatile.Read(ref _state.Value);
            if (state == Assigned && Interlocked.CompareExchange(ref _state.Value, Running, Assigned) == Assigned)
            {
                _job!.RunSliceElsewhere(_slice);
                Volatile.Write(ref _state.Value, Done);
                spin = 0;
            }
            else if (spin < SpinIterations) Thread.SpinWait(1);
            else if (state != Idle) Thread.Yield();
            else if (Interlocked.CompareExchange(ref _state.Value, Parked, Idle) == Idle)
            {
                Park();
                spin = 0;
            }
        }
    }

    private void Park()
    {
        lock (_gate)
        {
            while (!_woken) Monitor.Wait(_gate);
            _woken = false;
        }
    }

    /// <summary>A word that shares its cache line, and the one that is fetched with it, with nothing.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct PaddedWord
    {
        [FieldOffset(128)]
        public int Value;
    }
}
