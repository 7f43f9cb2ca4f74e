using System.Diagnostics;

namespace Lathe.Runtime.Execution;

/// <summary>Runs a request's operations in order and counts what it ran. Used by one thread at a time.</summary>
internal abstract class Executor(RequestProgram program, bool profiling) : IDisposable
{
    private readonly int[] _ran = new int[program.Steps.Length];
    private readonly long[] _count = new long[program.Steps.Length];
    private readonly long[] _totalTicks = new long[program.Steps.Length];
    private readonly long[] _minTicks = new long[program.Steps.Length];

    protected RequestProgram Program => program;

    protected ModelCode Code => program.Code;

    protected bool Profiling => profiling;

    /// <exception cref="OperationCanceledException">The token was cancelled; later steps have not run.</exception>
    /// <exception cref="LatheException">
    /// LATHE0507: a kernel reported an error or failed. LATHE0508: data do not fit. LATHE0506: a size that data determine does not fit memory. LATHE0511: the device failed.
    /// </exception>
    public abstract void Run(CancellationToken cancellationToken);

    /// <summary>Frees the memory, that of the program too.</summary>
    public virtual void Dispose() => program.Dispose();

    /// <summary>What the last run would have taken on a device with a clock of its own; null without one.</summary>
    public abstract double? SimulatedMs { get; }

    /// <summary>What the last run executed. Transfers compute nothing and are not counted.</summary>
    public RunCounts Ran()
    {
        Dictionary<string, int> devices = [], kernels = new() { ["csharp"] = 0, ["native"] = 0, ["opencl"] = 0, ["routine"] = 0 }, precisions = [];
        List<Fallback> fallbacks = [];
        for (int i = 0; i < _ran.Length; i++)
        {
            Plans.PlanStep step = program.Steps[i].Plan;
            if (_ran[i] == 0 || step is Plans.TransferStep) continue;
            Devices.DeviceModel? device = Code.DeviceOf(step);
            Add(devices, device?.Device ?? "CPU", _ran[i]);
            if (step is not Plans.KernelStep kernel)
            {
                Add(kernels, "routine", _ran[i]);
                continue;
            }

            Add(kernels, device?.Kind ?? (Code.IsNative(kernel.Kernel) ? "native" : "csharp"), _ran[i]);
            Add(precisions, kernel.Precision, _ran[i]);
            if (Code.FallbackOf(kernel) is { } reason) fallbacks.Add(new(kernel.Node, reason));
        }

        if (devices.Count == 0) devices[Code.Device?.Device ?? "CPU"] = 0;
        return new(devices, kernels, Plans.Isas.Name(Code.Isa), precisions, fallbacks);
    }

    /// <summary>What was measured of each step since the request was created, or since the CPU stands in for its device; nothing without profiling.</summary>
    public IReadOnlyList<StepCounter> Counters()
    {
        if (!profiling) return [];
        StepCounter[] counters = new StepCounter[program.Steps.Length];
        double msPerTick = 1000.0 / Stopwatch.Frequency;
        for (int i = 0; i < counters.Length; i++) counters[i] = Counter(program.Steps[i], _count[i], _totalTicks[i] * msPerTick, _minTicks[i] * msPerTick);
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

    /// <summary>Forgets what was measured of a step, which something else runs from now on.</summary>
    protected void Forget(int step) => _count[step] = _totalTicks[step] = _minTicks[step] = 0;

    private StepCounter Counter(RequestStep step, long count, double total, double least)
    {
        string device = Code.DeviceOf(step.Plan)?.Device ?? "CPU";
        StepCounter counter = step.Plan switch
        {
            Plans.KernelStep kernel => new(
                kernel.Node, kernel.Op, Code.Plan.Kernels[kernel.Kernel].Name, device, Plans.Isas.Name(Code.VariantOf(kernel).Isa), kernel.Precision, kernel.Layout,
                step.Macs, step.Traffic, step.Slices, count, total, least),
            Plans.RoutineStep routine => new(routine.Node, routine.Op, routine.Routine, "CPU", "routine", "", "", 0, 0, 1, count, total, least),
            Plans.PlanStep transfer => new(transfer.Node, transfer.Op, transfer.Op, device, "transfer", "", "", 0, step.Traffic, 1, count, total, least),
        };
        return counter with { Subgraph = step.Plan.Subgraph };
    }

    private static void Add(Dictionary<string, int> counts, string name, int count) => counts[name] = counts.GetValueOrDefault(name) + count;
}
