using System.Diagnostics;

namespace Lathe.Runtime.Execution;

/// <summary>Runs a request's operations in order and counts what it ran. Used by one thread at a time.</summary>
internal sealed unsafe class Executor(RequestProgram program, ModelCode code, bool profiling, Team team)
{
    private readonly TeamJob _job = new(program.Operations.Length == 0 ? 1 : program.Operations.Max(operation => operation.Slices));
    private readonly int[] _ran = new int[program.Steps.Length];
    private readonly long[] _count = new long[program.Steps.Length];
    private readonly long[] _totalTicks = new long[program.Steps.Length];
    private readonly long[] _minTicks = new long[program.Steps.Length];

    /// <exception cref="OperationCanceledException">The token was cancelled; later steps have not run.</exception>
    /// <exception cref="LatheException">LATHE0507: a kernel reported an error or failed.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        team.Enter();
        try
        {
            RunOperations(cancellationToken);
        }
        finally
        {
            team.Leave();
        }
    }

    /// <summary>What the last run executed.</summary>
    public RunCounts Ran()
    {
        int steps = 0;
        Dictionary<string, int> precisions = [];
        List<Fallback> fallbacks = [];
        for (int i = 0; i < _ran.Length; i++)
        {
            if (_ran[i] == 0) continue;
            steps += _ran[i];
            string precision = program.Steps[i].Plan.Precision;
            precisions[precision] = precisions.GetValueOrDefault(precision) + _ran[i];
            if (code.FallbackOf(program.Steps[i].Plan.Kernel) is { } reason) fallbacks.Add(new(program.Steps[i].Plan.Node, reason));
        }

        Dictionary<string, int> kernels = new() { ["csharp"] = steps, ["native"] = 0, ["opencl"] = 0, ["routine"] = 0 };
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
            counters[i] = new(
                step.Plan.Node, step.Plan.Op, code.Plan.Kernels[step.Plan.Kernel].Name, "CPU", Plans.Isas.Name(code.Variants[step.Plan.Kernel].Isa),
                step.Plan.Precision, step.Plan.Layout, step.Macs, step.Traffic, step.Slices, _count[i], _totalTicks[i] * msPerTick, _minTicks[i] * msPerTick);
        }

        return counters;
    }

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
                default:
                    cancellationToken.ThrowIfCancellationRequested();
                    Call(in operation);
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

    private void Measure(int step, long ticks)
    {
        _minTicks[step] = _count[step]++ == 0 ? ticks : Math.Min(_minTicks[step], ticks);
        _totalTicks[step] += ticks;
    }

    private string Describe(in Operation operation)
    {
        Plans.KernelStep step = program.Steps[operation.Step].Plan;
        return $"Model '{code.Plan.Model}': node '{step.Node}' ({step.Op})";
    }
}
