namespace Lathe.Runtime;

/// <summary>What an inference executed, counted while it did; all numbers are of steps.</summary>
/// <param name="Devices">Steps by device, such as <c>CPU</c>; copies between the memories of devices are no steps.</param>
/// <param name="Kernels">Steps by the kind of kernel: <c>csharp</c>, <c>native</c>, <c>opencl</c> and <c>routine</c>.</param>
/// <param name="Isa">The instruction set that was chosen, such as <c>avx512</c>.</param>
/// <param name="Precisions">Steps by the arithmetic they used, such as <c>fp32</c>.</param>
/// <param name="Fallbacks">The executed steps that did not run as they were asked to.</param>
public sealed record RunCounts(
    IReadOnlyDictionary<string, int> Devices,
    IReadOnlyDictionary<string, int> Kernels,
    string Isa,
    IReadOnlyDictionary<string, int> Precisions,
    IReadOnlyList<Fallback> Fallbacks)
{
    /// <summary>The inputs that a pass of the runtime converted before the steps: those of <see cref="LatheOptions.InputFormats"/>. What was compiled in is part of steps.</summary>
    public IReadOnlyList<string> Conversions { get; init; } = [];
}
