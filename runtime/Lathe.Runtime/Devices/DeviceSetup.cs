using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Devices;

/// <summary>What a device needs of a model to open it.</summary>
/// <param name="Plan">The plan, whose kernels are numbered by <see cref="PlanVariant.Function"/>.</param>
/// <param name="Weights">The address of the weights, valid until the model and its requests are disposed.</param>
/// <param name="FlushDenormals">Whether denormal numbers may count as zero.</param>
/// <param name="Profiling">Whether launches are measured.</param>
/// <param name="Isa">The instruction set whose variants must run; null for those that suit the device.</param>
/// <param name="Threads">How many of the host's processors may be used, where the device is one of them.</param>
public sealed record DeviceSetup(Plan Plan, nint Weights, bool FlushDenormals, bool Profiling, Isa? Isa, int Threads)
{
    /// <summary>The device's number among the plan's; 0 where it runs all steps.</summary>
    public int Number { get; init; }

    /// <summary>The address of what was prepared of the weights, valid as long as these; 0 if nothing was.</summary>
    public nint Prepared { get; init; }

    /// <summary>The device's name.</summary>
    public string Device => Number == 0 ? Plan.Device : Plan.Accelerators[Number - 1].Device;

    /// <summary>The kernels that steps on the device run.</summary>
    public IReadOnlyList<PlanKernel> Kernels => Number == 0 ? Plan.Kernels : [.. Plan.KernelsOn(Number).Select(kernel => Plan.Kernels[kernel])];
}
