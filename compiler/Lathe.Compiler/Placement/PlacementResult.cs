namespace Lathe.Compiler.Placement;

/// <summary>How a model was divided.</summary>
/// <param name="Permissions">What was allowed.</param>
/// <param name="Policy">What decided: <see cref="Partitioner.Cost"/> or <see cref="Partitioner.Priority"/>.</param>
/// <param name="Chosen">The placement.</param>
/// <param name="Candidates">All placements that were compared, the fastest by prediction first.</param>
/// <param name="Graph">What was placed.</param>
/// <param name="Bound">Why a node runs where it does and nowhere else, by its name.</param>
internal sealed record PlacementResult(
    Permissions Permissions, string Policy, Candidate Chosen, IReadOnlyList<Candidate> Candidates, PlacementGraph Graph, IReadOnlyDictionary<string, string> Bound)
{
    /// <summary>The devices beside the CPU that something is on.</summary>
    public IReadOnlyList<string> Accelerators => [.. Permissions.Names.Where((_, device) => device > 0 && Chosen.Devices.Contains(device))];
}
