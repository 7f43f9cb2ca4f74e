using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>An accelerator's memory and queue in a request, or memory of the host in their place.</summary>
internal sealed class RequestAccelerator : IDisposable
{
    private RequestAccelerator(DeviceRequest? request, long arenaBytes) => (Request, ArenaBytes) = (request, arenaBytes);

    /// <summary>The queue; null where the CPU stands in for the device.</summary>
    public DeviceRequest? Request { get; private set; }

    /// <summary>The arena where the CPU stands in for the device.</summary>
    public NativeBlock? Memory { get; private set; }

    public long ArenaBytes { get; }

    /// <summary>Opens the accelerators of a plan for one request.</summary>
    /// <param name="code">The plan and what runs it.</param>
    /// <param name="dims">The values of the plan's named dims.</param>
    /// <exception cref="AcceleratorFailure">One of them fails.</exception>
    /// <exception cref="LatheException">LATHE0506: the host has not enough memory.</exception>
    public static RequestAccelerator[] Open(ModelCode code, long[] dims)
    {
        RequestAccelerator[] accelerators = new RequestAccelerator[code.Plan.Accelerators.Count];
        try
        {
            for (int i = 0; i < accelerators.Length; i++)
            {
                long bytes = RequestProgram.Size(code.Plan.Accelerators[i].ArenaBytes, dims, "an accelerator's arena");
                if (code.DeviceOf(i + 1) is not { } device)
                {
                    accelerators[i] = new(null, bytes);
                    accelerators[i].Replace(code.Plan.Model);
                    continue;
                }

                try
                {
                    accelerators[i] = new(device.CreateRequest(), bytes);
                    accelerators[i].Request!.ResizeArena(bytes, kept: 0);
                }
                catch (LatheException e) when (AcceleratorFailure.Is(e))
                {
                    throw new AcceleratorFailure(i + 1, e);
                }
            }

            return accelerators;
        }
        catch
        {
            foreach (RequestAccelerator? accelerator in accelerators) accelerator?.Dispose();
            throw;
        }
    }

    /// <summary>Puts the host's memory in the place of the device's.</summary>
    /// <exception cref="LatheException">LATHE0506: there is not so much; all is as it was.</exception>
    public void Replace(string model)
    {
        Memory = NativeBlock.Allocate(Math.Max(ArenaBytes, Plan.Alignment), $"A request of model '{model}'");
        DeviceRequest? lost = Request;
        Request = null;
        lost?.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Request?.Dispose();
        Memory?.Dispose();
    }
}
