namespace Lathe.Runtime;

/// <summary>What was measured of one step of a request's plan.</summary>
/// <param name="Node">The name of the model's node, or of the last node of a fused group.</param>
/// <param name="Op">The operators the step computes, joined with '+'.</param>
/// <param name="Kernel">The kernel's name.</param>
/// <param name="Device">Where it ran.</param>
/// <param name="Isa">The instruction set of the variant that ran, such as <c>avx512</c>; <c>routine</c> or <c>transfer</c> for what is no kernel.</param>
/// <param name="Precision">The arithmetic it uses.</param>
/// <param name="Layout">The layout it writes.</param>
/// <param name="Macs">The multiply-accumulates of one execution.</param>
/// <param name="Bytes">The bytes that one execution reads and writes at least.</param>
/// <param name="Slices">Into how many parts one execution is divided.</param>
/// <param name="Count">How often it was executed.</param>
/// <param name="TotalMs">The milliseconds of all executions.</param>
/// <param name="MinMs">The milliseconds of the fastest execution; 0 where there was none.</param>
public sealed record StepCounter(
    string Node,
    string Op,
    string Kernel,
    string Device,
    string Isa,
    string Precision,
    string Layout,
    long Macs,
    long Bytes,
    int Slices,
    long Count,
    double TotalMs,
    double MinMs)
{
    /// <summary>The number of the subgraph that the step belongs to, from 1; 0 where there are none.</summary>
    public int Subgraph { get; init; }
}
