using System.Diagnostics;

namespace Lathe.Runtime.Execution;

/// <summary>Runs a request's operations in order and counts what it ran. Used by one thread at a time.</summary>
internal abstract class Executor(RequestProgram program, ModelCode code, bool profiling) : IDisposable
{
    private readonly int[] _ran = new int[program.Steps.Length];
    private readonly long[] _count = new long[program.Steps.Length];
    private readonly long[] _totalTicks = new long[program.Steps.Length];
    private readonly long[] _minTicks = new long[program.Steps.Length];

    protected RequestProgram Program => program;

    protected ModelCode Code => code;

    protected bool Profiling => profiling;

    /// <exception cref="OperationCanceledException">The token was cancelled; later steps have not run.</exception>
    /// <exception cref="LatheException">
    /// LATHE0507: a kernel reported an error or failed. LATHE0508: data do not fit. LATHE0506: a size that data determine does not fit memory. LATHE0511: the device failed.
    /// </exception>
    public abstract void Run(CancellationToken cancellationToken);

    /// <summary>Frees the memory, that of the program too.</summary>
    public virtual void Dispose() => program.Dispose();

    /// <summary>What the last run executed.</summary>
    public RunCounts Ran()
    {
        int steps = 0, routines = 0, native = 0, device = 0;
        Dictionary<string, int> precisions = [];
        List<Fallback> fallbacks = [];
        for (int i = 0; i < _ran.Length; i++)
        {
            if (_ran[i] == 0) continue;
            steps += _ran[i];
            if (program.Steps[i].Kernel is not { } kernel)
            {
                routines += _ran[i];
                continue;
            }

            if (code.Device is not null) device += _ran[i];
            else if (code.IsNative(kernel.Kernel)) native += _ran[i];
            precisions[kernel.Precision] = precisions.GetValueOrDefault(kernel.Precision) + _ran[i];
            if (code.FallbackOf(kernel.Kernel) is { } reason) fallbacks.Add(new(kernel.Node, reason));
        }

        Dictionary<string, int> kernels = new() { ["csharp"] = steps - routines - native - device, ["native"] = native, ["opencl"] = 0, ["routine"] = routines };
        if (code.Device is { } ran) kernels[ran.Kind] = device;
        return new(new Dictionary<string, int> { [code.DeviceName] = steps }, kernels, Plans.Isas.Name(code.Isa), precisions, fallbacks);
    }

    /// <summary>What was measured of each step since the request was created; nothing without profiling.</summary>
    public IReadOnlyList<StepCounter> Counters()
    {
        if (!profiling) return [];
        StepCounter[] counters = new StepCounter[program.Steps.Length];
        double msPerTick = 1000.0 / Stopwatch.Frequency;
        for (int i = 0; i < counters.Length; i++)
        {
            RequestStep step = program.Steps[i];
            double total = _totalTicks[i] * msPerTick, least = _minTicks[i] * msPerTick;
            counters[i] = step.Plan is Plans.RoutineStep routine
                ? new(routine.Node, routine.Op, routine.Routine, "CPU", "routine", "", "", 0, 0, 1, _count[i], total, least)
                : Counter(step, step.Kernel!, _count[i], total, least);
        }

        return counters;
    }

    /// <summary>Forgets what the last run executed.</summary>
    protected void Restart() => Array.Clear(_ran);

    /// <summary>Counts a step that was executed.</summary>
    protected void Count(int step) => _ran[step]++;

    /// <summary>Adds what was measured of a step.</summary>
    protected void Measure(int step, long ticks)
    {
        _minTicks[step] = _count[step]++ == 0 ? ticks : Math.Min(_minTicks[step], ticks);
        _totalTicks[step] += ticks;
    }

    private StepCounter Counter(RequestStep step, Plans.KernelStep kernel, long count, double total, double least) => new(
        kernel.Node, kernel.Op, code.Plan.Kernels[kernel.Kernel].Name, code.DeviceName, Plans.Isas.Name(code.Variants[kernel.Kernel].Isa),
        kernel.Precision, kernel.Layout, step.Macs, step.Traffic, step.Slices, count, total, least);
}
