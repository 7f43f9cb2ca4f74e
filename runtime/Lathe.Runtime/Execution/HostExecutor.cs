using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Lathe.Runtime.Execution;

/// <summary>
/// Runs a request's operations on the CPU and on accelerators. One thread goes through them in order: what accelerators do is only started, and waited for before a step of the CPU touches memory
/// that is being copied.
/// </summary>
/// <param name="program">The operations.</param>
/// <param name="threads">The most threads that take part.</param>
/// <param name="profiling">Whether steps are measured.</param>
/// <param name="flushDenormals">Whether denormal numbers count as zero.</param>
/// <param name="team">The threads that help.</param>
/// <param name="replaces">Told of an accelerator that failed, and why; true if the CPU stands in for it.</param>
internal sealed unsafe class HostExecutor(RequestProgram program, int threads, bool profiling, bool flushDenormals, Team team, Func<int, LatheException, bool> replaces)
    : Executor(program, profiling)
{
    private readonly TeamJob _job = new(threads, flushDenormals);
    private readonly AcceleratorQueues? _accelerators = program.AcceleratorCount == 0 ? null : new(program);

    /// <inheritdoc/>
    public override double? SimulatedMs => _accelerators?.SimulatedMs;

    /// <inheritdoc/>
    public override void Run(CancellationToken cancellationToken)
    {
        team.Enter();
        uint mode = flushDenormals ? FloatingPointMode.Flush() : 0;
        try
        {
            if (_accelerators is null) RunOperations(cancellationToken);
            else while (!TryRun(_accelerators, cancellationToken)) continue;
        }
        finally
        {
            if (flushDenormals) FloatingPointMode.Restore(mode);
            team.Leave();
        }
    }

    /// <summary>Runs an inference from its inputs.</summary>
    /// <returns>False if an accelerator failed, for which the CPU stands in from now on.</returns>
    private bool TryRun(AcceleratorQueues accelerators, CancellationToken cancellationToken)
    {
        try
        {
            try
            {
                accelerators.Begin();
                RunOperations(cancellationToken);
                accelerators.End();
                if (Profiling) accelerators.Measured((step, nanoseconds) => Measure(step, (long)(nanoseconds * 1e-9 * Stopwatch.Frequency)));
                return true;
            }
            catch
            {
                accelerators.Abandon();
                throw;
            }
        }
        catch (AcceleratorFailure failure)
        {
            if (!replaces(failure.Device, failure.Reason)) ExceptionDispatchInfo.Throw(failure.Reason);
            Program.Replace(failure.Device, failure.Reason.Message);
            foreach (ref readonly Operation operation in Program.Operations.AsSpan())
                if (operation.Device == failure.Device) Forget(operation.Step);
            return false;
        }
    }

    private void RunOperations(CancellationToken cancellationToken)
    {
        Restart();
        Operation[] operations = Program.Operations;
        for (int i = 0; i < operations.Length;)
        {
            _accelerators?.WaitBefore(i);
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
                case OperationKind.Launch:
                    cancellationToken.ThrowIfCancellationRequested();
                    if (operation.Extent > 0) Launch(in operation);
                    break;
                case OperationKind.Transfer:
                    cancellationToken.ThrowIfCancellationRequested();
                    if (operation.Extent > 0) _accelerators!.Transfer(in operation);
                    break;
                case OperationKind.Copy:
                    Copy(in operation);
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

    private void Launch(in Operation operation)
    {
        _accelerators!.Launch(in operation);
        Count(operation.Step);
    }

    /// <summary>A transfer where the CPU stands in for the accelerator.</summary>
    private void Copy(in Operation operation)
    {
        long start = Profiling ? Stopwatch.GetTimestamp() : 0;
        Buffer.MemoryCopy(operation.Buffers[0], operation.Buffers[1], operation.Extent, operation.Extent);
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
