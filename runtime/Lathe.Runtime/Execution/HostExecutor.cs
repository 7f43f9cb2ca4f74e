using System.Diagnostics;

namespace Lathe.Runtime.Execution;

/// <summary>Runs a request's operations on the CPU.</summary>
internal sealed unsafe class HostExecutor(RequestProgram program, ModelCode code, int threads, bool profiling, bool flushDenormals, Team team) : Executor(program, code, profiling)
{
    private readonly TeamJob _job = new(threads, flushDenormals);

    /// <inheritdoc/>
    public override void Run(CancellationToken cancellationToken)
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

    private void RunOperations(CancellationToken cancellationToken)
    {
        Restart();
        Operation[] operations = Program.Operations;
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
                    Program.Measure(in operation, *operation.Buffers);
                    break;
                case OperationKind.LoopBegin:
                    if (!Program.Begin(in operation)) i = operation.Target;
                    break;
                case OperationKind.LoopEnd:
                    if (Program.Next(in operation)) i = operation.Target;
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
        long start = Profiling ? Stopwatch.GetTimestamp() : 0;
        if (operation.Slices > 1) team.Run(_job, in operation, Program.Scratch, Program.ScratchStride);
        else
        {
            _job.Set(in operation, Program.Scratch, Program.ScratchStride);
            _job.Divide(1);
            _job.RunSlice(0);
        }

        if (_job.Failure is { } e) throw new LatheException(ErrorIds.Kernel, $"{Describe(operation)} failed: {e.Message}", e);
        if (_job.Error != 0) throw new LatheException(ErrorIds.Kernel, $"{Describe(operation)} reported error {_job.Error}.");
        Count(operation.Step);
        if (Profiling) Measure(operation.Step, Stopwatch.GetTimestamp() - start);
    }

    private void Routine(in Operation operation)
    {
        long start = Profiling ? Stopwatch.GetTimestamp() : 0;
        Routines.RoutineCall call = Program.Prepare(in operation);
        call.Code(call);
        Count(operation.Step);
        if (Profiling) Measure(operation.Step, Stopwatch.GetTimestamp() - start);
    }

    private string Describe(in Operation operation)
    {
        Plans.PlanStep step = Program.Steps[operation.Step].Plan;
        return $"Model '{Code.Plan.Model}': node '{step.Node}' ({step.Op})";
    }
}
