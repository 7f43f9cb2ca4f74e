using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Devices;

/// <summary>What a device needs of a model to open it.</summary>
/// <param name="Plan">The plan, whose kernels are numbered by <see cref="PlanVariant.Function"/>.</param>
/// <param name="Weights">The address of the weights, valid until the model and its requests are disposed.</param>
/// <param name="FlushDenormals">Whether denormal numbers may count as zero.</param>
/// <param name="Profiling">Whether launches are measured.</param>
/// <param name="Isa">The instruction set whose variants must run; null for those that suit the device.</param>
/// <param name="Threads">How many of the host's processors may be used, where the device is one of them.</param>
public sealed record DeviceSetup(Plan Plan, nint Weights, bool FlushDenormals, bool Profiling, Isa? Isa, int Threads);
