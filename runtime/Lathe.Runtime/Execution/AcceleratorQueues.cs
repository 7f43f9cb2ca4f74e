using Lathe.Runtime.Devices;

namespace Lathe.Runtime.Execution;

/// <summary>What an inference has under way on the accelerators of its request. Used by one thread at a time.</summary>
internal sealed unsafe class AcceleratorQueues(RequestProgram program)
{
    private readonly long[] _tickets = new long[program.Operations.Length];

    /// <summary>What the last inference would have taken on the slowest device with a clock of its own; null without one.</summary>
    public double? SimulatedMs
    {
        get
        {
            double? most = null;
            for (int device = 1; device <= program.AcceleratorCount; device++)
                if (program.RequestOf(device)?.SimulatedMs is { } ms) most = Math.Max(most ?? 0, ms);
            return most;
        }
    }

    /// <summary>Begins an inference.</summary>
    /// <exception cref="AcceleratorFailure">A device fails.</exception>
    public void Begin()
    {
        for (int device = 1; device <= program.AcceleratorCount; device++)
        {
            try
            {
                program.RequestOf(device)?.Begin();
            }
            catch (LatheException e) when (AcceleratorFailure.Is(e))
            {
                throw new AcceleratorFailure(device, e);
            }
        }
    }

    /// <summary>Starts a kernel.</summary>
    /// <exception cref="AcceleratorFailure">The device fails.</exception>
    public void Launch(in Operation operation)
    {
        RequestStep step = program.Steps[operation.Step];
        try
        {
            program.RequestOf(operation.Device)!.Launch(step.Launch(in operation, program.Code.VariantOf(step.Kernel!).Function));
        }
        catch (LatheException e) when (AcceleratorFailure.Is(e))
        {
            throw new AcceleratorFailure(operation.Device, e);
        }
    }

    /// <summary>Starts a transfer.</summary>
    /// <exception cref="AcceleratorFailure">The device fails.</exception>
    public void Transfer(in Operation operation)
    {
        DeviceRequest request = program.RequestOf(operation.Device)!;
        byte* from = operation.Buffers[0], to = operation.Buffers[1];
        try
        {
            _tickets[operation.Target] = operation.IsRead
                ? request.StartRead(operation.Step, DeviceAddress.Of(from), to, operation.Extent)
                : request.Write(operation.Step, DeviceAddress.Of(to), from, operation.Extent);
        }
        catch (LatheException e) when (AcceleratorFailure.Is(e))
        {
            throw new AcceleratorFailure(operation.Device, e);
        }
    }

    /// <summary>Waits for the transfers that an operation of the host needs to be done.</summary>
    /// <exception cref="AcceleratorFailure">A device fails.</exception>
    public void WaitBefore(int operation)
    {
        if (program.Waits[operation] is not { } waits) return;
        foreach (TransferWait wait in waits)
        {
            try
            {
                program.RequestOf(wait.Device)!.Wait(_tickets[wait.Number]);
            }
            catch (LatheException e) when (AcceleratorFailure.Is(e))
            {
                throw new AcceleratorFailure(wait.Device, e);
            }
        }
    }

    /// <summary>Waits for all that is under way, on every device.</summary>
    /// <exception cref="AcceleratorFailure">A device fails; nothing is under way on the others either.</exception>
    public void End()
    {
        Exception? first = null;
        for (int device = 1; device <= program.AcceleratorCount; device++)
        {
            try
            {
                program.RequestOf(device)?.End();
            }
            catch (LatheException e)
            {
                first ??= AcceleratorFailure.Is(e) ? new AcceleratorFailure(device, e) : e;
            }
        }

        if (first is not null) throw first;
    }

    /// <summary>Ends an inference that failed; what devices say about it is no longer of interest.</summary>
    public void Abandon()
    {
        try
        {
            End();
        }
        catch (Exception e) when (e is AcceleratorFailure or LatheException)
        {
            // What failed first is what is told.
        }
    }

    /// <summary>Calls back for everything that the devices measured, with its step and the nanoseconds that it took.</summary>
    /// <exception cref="AcceleratorFailure">A device fails.</exception>
    public void Measured(Action<int, long> each)
    {
        for (int device = 1; device <= program.AcceleratorCount; device++)
        {
            try
            {
                program.RequestOf(device)?.Measured(each);
            }
            catch (LatheException e) when (AcceleratorFailure.Is(e))
            {
                throw new AcceleratorFailure(device, e);
            }
        }
    }
}
