using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Lathe.Runtime;

namespace Lathe.Runner;

/// <summary>Inferences measured for a time or a number of them, all streams together.</summary>
internal sealed class Measurement
{
    private const double PeakIntervalMs = 50;

    // Room for the times of each request, taken before measuring so that recording allocates nothing; later times replace the oldest.
    private const int TimesPerRequest = 1 << 17;

    private readonly Session _session;
    private readonly double[][] _times;
    private readonly double[][]? _simulated;
    private readonly long[] _counts;
    private readonly PeakLoop? _peak;
    private long _deadline;
    private long _rest;
    private Exception? _failure;

    private Measurement(Session session)
    {
        _session = session;
        _times = [.. session.Requests.Select(_ => new double[session.Options.Iterations is { } n ? Math.Min(n, TimesPerRequest) : TimesPerRequest])];
        // Known since the first inference.
        if (session.Requests[0].SimulatedMs is not null) _simulated = [.. _times.Select(times => new double[times.Length])];
        _counts = new long[session.Requests.Count];
        _peak = session.Options.Profiling ? new PeakLoop(session.Model.Info.Isa) : null;
    }

    public long Iterations => _counts.Sum();

    /// <summary>Milliseconds of single inferences, in ascending order.</summary>
    public double[] Latencies { get; private set; } = [];

    /// <summary>Milliseconds that single inferences would have taken with a simulated accelerator, in ascending order; empty without one.</summary>
    public double[] Simulated { get; private set; } = [];

    /// <summary>Inferences per second.</summary>
    public double Throughput { get; private set; }

    public double AllocatedBytesPerInference { get; private set; }

    /// <summary>The fastest that one core did in between, in GFLOP/s; null without profiling.</summary>
    public double? PeakGflops => _peak?.Best;

    public static Measurement Of(Session session)
    {
        Measurement measurement = new(session);
        foreach (InferRequest request in session.Requests)
            for (int i = 0; i < session.Options.Warmup; i++) request.Infer();
        measurement._peak?.Run();
        if (session.Options.Async) measurement.RunAsync().GetAwaiter().GetResult();
        else measurement.RunSync();
        measurement._peak?.Run();
        measurement.Latencies = measurement.Sorted(measurement._times);
        if (measurement._simulated is { } simulated) measurement.Simulated = measurement.Sorted(simulated);
        return measurement;
    }

    /// <summary>The smallest time that a share of all do not exceed.</summary>
    public static double Quantile(double[] sorted, double share) => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];

    private double[] Sorted(double[][] times) => [.. times.SelectMany((all, i) => all.Take((int)Math.Min(all.Length, _counts[i]))).Order()];

    private void RunSync()
    {
        int streams = _session.Options.Streams;
        using Barrier barrier = new(streams + 1);
        Thread[] threads = [.. Enumerable.Range(0, streams).Select(stream => new Thread(() => Stream(stream, barrier)) { IsBackground = true })];
        foreach (Thread thread in threads) thread.Start();
        barrier.SignalAndWait();
        Between(() => barrier.SignalAndWait(), () => barrier.SignalAndWait());
        foreach (Thread thread in threads) thread.Join();
        if (_failure is not null) ExceptionDispatchInfo.Throw(_failure);
    }

    private void Stream(int stream, Barrier barrier)
    {
        // Once for all threads to be there, once to begin and once to end.
        barrier.SignalAndWait();
        barrier.SignalAndWait();
        try
        {
            long nextPeak = 0;
            for (int request = stream; TakeOne(); request += _session.Options.Streams)
            {
                if (request >= _session.Requests.Count) request = stream;
                if (_peak is not null && stream == 0 && Stopwatch.GetTimestamp() >= nextPeak)
                {
                    _peak.Run();
                    nextPeak = Stopwatch.GetTimestamp() + (long)(PeakIntervalMs / 1000 * Stopwatch.Frequency);
                }

                long start = Stopwatch.GetTimestamp();
                _session.Requests[request].Infer();
                Record(request, start);
            }
        }
        catch (Exception e)
        {
            _failure = e;
        }

        barrier.SignalAndWait();
    }

    private async Task RunAsync()
    {
        Task[] loops = new Task[_session.Requests.Count];
        TaskCompletionSource begin = new(TaskCreationOptions.RunContinuationsAsynchronously);
        for (int i = 0; i < loops.Length; i++) loops[i] = Loop(i, begin.Task);
        Task all = Task.WhenAll(loops);
        Between(begin.SetResult, all.Wait);
        await all;
    }

    private async Task Loop(int request, Task begin)
    {
        await begin.ConfigureAwait(false);
        while (TakeOne())
        {
            long start = Stopwatch.GetTimestamp();
            await _session.Requests[request].InferAsync().ConfigureAwait(false);
            Record(request, start);
        }
    }

    private void Between(Action begin, Action end)
    {
        _rest = _session.Options.Iterations ?? long.MaxValue;
        double peakSeconds = _peak?.Seconds ?? 0;
        long allocated = GC.GetTotalAllocatedBytes(precise: true), start = Stopwatch.GetTimestamp();
        _deadline = _session.Options.Iterations is null ? start + (long)(_session.Options.Seconds * Stopwatch.Frequency) : long.MaxValue;
        begin();
        end();

        // What the first stream did for the peak is no time of the model's.
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds - (((_peak?.Seconds ?? 0) - peakSeconds) / _session.Options.Streams);
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        Throughput = Iterations / seconds;
        AllocatedBytesPerInference = Iterations == 0 ? 0 : (double)allocated / Iterations;
    }

    private bool TakeOne() => Stopwatch.GetTimestamp() < _deadline && Interlocked.Decrement(ref _rest) >= 0;

    private void Record(int request, long start)
    {
        double[] times = _times[request];
        long at = _counts[request]++ % times.Length;
        times[at] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        // A device that fails meanwhile has no clock any more.
        if (_simulated is not null) _simulated[request][at] = _session.Requests[request].SimulatedMs ?? times[at];
    }
}
