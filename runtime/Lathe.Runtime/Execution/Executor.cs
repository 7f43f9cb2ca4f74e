using System.Diagnostics;

namespace Lathe.Runtime.Execution;

/// <summary>Runs a request's operations in order and counts what it ran. Used by one thread at a time.</summary>
internal sealed unsafe class Executor(RequestProgram program, ModelCode code, int threads, bool profiling, bool flushDenormals, Team team)
{
    private readonly TeamJob _job = new(threads, flushDenormals);
    private readonly int[] _ran = new int[program.Steps.Length];
    private readonly long[] _count = new long[program.Steps.Length];
    private readonly long[] _totalTicks = new long[program.Steps.Length];
    private readonly long[] _minTicks = new long[program.Steps.Length];

    /// <exception cref="OperationCanceledException">The token was cancelled; later steps have not run.</exception>
    /// <exception cref="LatheException">LATHE0507: a kernel reported an error or failed. LATHE0508: data do not fit. LATHE0506: a size that data determine does not fit memory.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        team.Enter();
        uint mode = flushDenormals ? FloatingPointMode.Flush() : 0;
        try
        {
            RunOperations(cancellationToken);
        }
        finally
        {
            if (flushDenormals) FloatingPointMode.Restore(mode);
            team.Leave();
        }
    }

    /// <summary>What the last run executed.</summary>
    public RunCounts Ran()
    {
        int steps = 0, routines = 0, native = 0;
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

            if (code.IsNative(kernel.Kernel)) native += _ran[i];
            precisions[kernel.Precision] = precisions.GetValueOrDefault(kernel.Precision) + _ran[i];
            if (code.FallbackOf(kernel.Kernel) is { } reason) fallbacks.Add(new(kernel.Node, reason));
        }

        Dictionary<string, int> kernels = new() { ["csharp"] = steps - routines - native, ["native"] = native, ["opencl"] = 0, ["routine"] = routines };
        return new(new Dictionary<string, int> { ["CPU"] = steps }, kernels, Plans.Isas.Name(code.Isa), precisions, fallbacks);
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

    private StepCounter Counter(RequestStep step, Plans.KernelStep kernel, long count, double total, double least) => new(
        kernel.Node, kernel.Op, code.Plan.Kernels[kernel.Kernel].Name, "CPU", Plans.Isas.Name(code.Variants[kernel.Kernel].Isa),
        kernel.Precision, kernel.Layout, step.Macs, step.Traffic, step.Slices, count, total, least);

    private void RunOperations(CancellationToken cancellationToken)
    {
        Array.Clear(_ran);
        Operation[] operations = program.Operations;
        for (int i = 0; i < operations.Length;)
        {
            ref readonly Operation operation = ref operations[i++];
            switch (operation.Kind)
            {
                case OperationKind.Branch:
                    if (**operation.Buffers == 0) i = operation.Target;
                    break;
                case OperationKind.Jump:
                    i = operation.Target;
                    break;
                case OperationKind.Measure:
                    program.Measure(in operation);
                    break;
                case OperationKind.LoopBegin:
                    if (!program.Begin(in operation)) i = operation.Target;
                    break;
                case OperationKind.LoopEnd:
                    if (program.Next(in operation)) i = operation.Target;
                    break;
                case OperationKind.Routine:
                    cancellationToken.ThrowIfCancellationRequested();
                    Routine(in operation);
                    break;
                default:
                    cancellationToken.ThrowIfCancellationRequested();
                    if (operation.Extent > 0) Call(in operation);
                    break;
            }
        }
    }

    private void Call(in Operation operation)
    {
        long start = profiling ? Stopwatch.GetTimestamp() : 0;
        if (operation.Slices > 1) team.Run(_job, in operation, program.Scratch, program.ScratchStride);
        else
        {
            _job.Set(in operation, program.Scratch, program.ScratchStride);
            _job.Divide(1);
            _job.RunSlice(0);
        }

        if (_job.Failure is { } e) throw new LatheException(ErrorIds.Kernel, $"{Describe(operation)} failed: {e.Message}", e);
        if (_job.Error != 0) throw new LatheException(ErrorIds.Kernel, $"{Describe(operation)} reported error {_job.Error}.");
        _ran[operation.Step]++;
        if (profiling) Measure(operation.Step, Stopwatch.GetTimestamp() - start);
    }

    private void Routine(in Operation operation)
    {
        long start = profiling ? Stopwatch.GetTimestamp() : 0;
        Routines.RoutineCall call = program.Prepare(in operation);
        call.Code(call);
        _ran[operation.Step]++;
        if (profiling) Measure(operation.Step, Stopwatch.GetTimestamp() - start);
    }

    private void Measure(int step, long ticks)
    {
        _minTicks[step] = _count[step]++ == 0 ? ticks : Math.Min(_minTicks[step], ticks);
        _totalTicks[step] += ticks;
    }

    private string Describe(in Operation operation)
    {
        Plans.PlanStep step = program.Steps[operation.Step].Plan;
        return $"Model '{code.Plan.Model}': node '{step.Node}' ({step.Op})";
    }
}
