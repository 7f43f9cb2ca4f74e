namespace Lathe.Runtime.Execution;

/// <summary>
/// The threads that help inferences, one budget for all models of the process: a thread that runs an inference counts, and no more help than
/// leaves the total at the number of processors the process may use. Without free helpers a caller does everything itself, with the same
/// result. Safe for concurrent use.
/// </summary>
internal sealed unsafe class Team(int processors)
{
    private readonly TeamWorker?[] _workers = new TeamWorker?[Math.Max(0, processors - 1)];
    private int _busy;

    public static Team Shared { get; } = new(Environment.ProcessorCount);

    /// <summary>How many workers were started.</summary>
    public int WorkerCount => _workers.Count(worker => worker is not null);

    /// <summary>Says that the calling thread begins to compute.</summary>
    public void Enter() => Interlocked.Increment(ref _busy);

    /// <summary>Says that the calling thread has ended what it entered for.</summary>
    public void Leave() => Interlocked.Decrement(ref _busy);

    /// <summary>Runs a kernel over its whole extent, divided among the calling thread and up to <see cref="Operation.Slices"/> - 1 helpers.</summary>
    public void Run(TeamJob job, in Operation operation, byte* scratch, long scratchStride)
    {
        job.Set(operation, scratch, scratchStride);
        int helpers = Reserve(operation.Slices - 1);
        if (helpers == 0)
        {
            job.Divide(1);
            job.RunSlice(0);
            return;
        }

        job.Divide(helpers + 1);
        ulong parked = 0;
        int leased = Lease(job, helpers, ref parked);
        for (int i = 0; i < leased; i++) job.Helpers[i].Assign(job, i + 1, wake: (parked >> i & 1) != 0);
        job.RunSlice(0);
        for (int slice = leased + 1; slice <= helpers; slice++) job.RunSlice(slice);

        // Who has not begun yet is still waking up or was interrupted: the caller is faster.
        ulong running = 0;
        for (int i = 0; i < leased; i++)
        {
            if (job.Helpers[i].TryRecall()) job.RunSlice(i + 1);
            else running |= 1UL << i;
        }

        for (int i = 0; i < leased; i++)
            if ((running >> i & 1) != 0) job.Helpers[i].Join();
        Interlocked.Add(ref _busy, -helpers);
    }

    private int Reserve(int wanted)
    {
        // The bits of a word name the helpers of a job.
        wanted = Math.Min(wanted, 64);
        while (true)
        {
            int busy = Volatile.Read(ref _busy);
            int helpers = Math.Min(wanted, processors - busy);
            if (helpers <= 0) return 0;
            if (Interlocked.CompareExchange(ref _busy, busy + helpers, busy) == busy) return helpers;
        }
    }

    private int Lease(TeamJob job, int helpers, ref ulong parked)
    {
        int leased = 0;
        for (int number = 0; number < _workers.Length && leased < helpers; number++)
        {
            TeamWorker worker = _workers[number] ?? Start(number);
            if (!worker.TryLease(out bool wasParked)) continue;
            if (wasParked) parked |= 1UL << leased;
            job.Helpers[leased++] = worker;
        }

        return leased;
    }

    private TeamWorker Start(int number)
    {
        lock (_workers) return _workers[number] ??= new(number);
    }
}
