using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tuning;

/// <summary>A choice that was made: how a kernel is scheduled for an instruction set, or by which algorithm a convolution is computed.</summary>
/// <param name="Isa">The instruction set.</param>
/// <param name="Signature">What is computed.</param>
/// <param name="Candidates">All that could be chosen; the first is what the cost model takes.</param>
/// <param name="Chosen">The one that was.</param>
/// <param name="IsTuned">True if a tuning record says so.</param>
/// <param name="IsOfAlgorithm">True for the algorithm of a convolution, which decides what kernels there are; false for a schedule.</param>
public sealed record Decision(Isa Isa, string Signature, IReadOnlyList<string> Candidates, string Chosen, bool IsTuned, bool IsOfAlgorithm);
