using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;
using Lathe.Runtime.Routines;

namespace Lathe.Runtime.Execution;

/// <summary>
/// Runs a request's operations on a device. The host decides what is run: it reads conditions, computed dims and indices that have to be checked, and waits for
/// the device before it does; it computes no operator.
/// </summary>
internal sealed unsafe class DeviceExecutor(RequestProgram program, DeviceRequest device, bool profiling) : Executor(program, profiling)
{
    private NativeBlock? _fetched;

    /// <inheritdoc/>
    public override double? SimulatedMs => device.SimulatedMs;

    /// <inheritdoc/>
    public override void Run(CancellationToken cancellationToken)
    {
        try
        {
            Restart();
            device.Begin();
            RunOperations(cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
        }
        catch
        {
            try
            {
                device.End();
            }
            catch (LatheException)
            {
                // What failed first is what is told.
            }

            throw;
        }

        device.End();
        if (Profiling) device.Measured((step, nanoseconds) => Measure(step, (long)(nanoseconds * 1e-9 * System.Diagnostics.Stopwatch.Frequency)));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _fetched?.Dispose();
        base.Dispose();
    }

    private void RunOperations(CancellationToken cancellationToken)
    {
        Operation[] operations = Program.Operations;
        for (int i = 0; i < operations.Length;)
        {
            ref readonly Operation operation = ref operations[i++];
            switch (operation.Kind)
            {
                case OperationKind.Branch:
                    if (*Fetch(*operation.Buffers, sizeof(byte)) == 0) i = operation.Target;
                    break;
                case OperationKind.Jump:
                    i = operation.Target;
                    break;
                case OperationKind.Measure:
                    Program.Measure(in operation, Fetch(*operation.Buffers, Program.MeasuredBytes(in operation)));
                    break;
                case OperationKind.LoopBegin:
                    if (!Program.Begin(in operation)) i = operation.Target;
                    break;
                case OperationKind.LoopEnd:
                    if (Program.Next(in operation)) i = operation.Target;
                    break;
                case OperationKind.Routine:
                    cancellationToken.ThrowIfCancellationRequested();
                    Check(in operation);
                    break;
                default:
                    cancellationToken.ThrowIfCancellationRequested();
                    if (operation.Extent > 0) Launch(in operation);
                    break;
            }
        }
    }

    private void Launch(in Operation operation)
    {
        RequestStep step = Program.Steps[operation.Step];
        device.Launch(step.Launch(in operation, Code.VariantOf(step.Kernel!).Function));
        Count(operation.Step);
    }

    /// <summary>The only routine that a device's plan may have: it looks at indices and computes nothing.</summary>
    private void Check(in Operation operation)
    {
        RoutineCall call = Program.Prepare(in operation);
        call[0].Pointer = Fetch(call[0].Pointer, call[0].Count * call[0].Type.Size());
        call.Code(call);
    }

    private byte* Fetch(byte* address, long bytes)
    {
        if (_fetched is null || _fetched.Bytes < bytes)
        {
            _fetched?.Dispose();
            _fetched = NativeBlock.Allocate(Math.Max(bytes, Plan.Alignment), $"A request of model '{Code.Plan.Model}'");
        }

        if (bytes > 0) device.Read(DeviceAddress.Of(address), _fetched.Pointer, bytes);
        return _fetched.Pointer;
    }
}
