namespace Lathe.Compiler.Placement;

/// <summary>How a model was divided.</summary>
/// <param name="Permissions">What was allowed.</param>
/// <param name="Policy">What decided: <see cref="Partitioner.Cost"/> or <see cref="Partitioner.Priority"/>.</param>
/// <param name="Chosen">The placement.</param>
/// <param name="Candidates">All placements that were compared, the fastest by prediction first.</param>
/// <param name="Graph">What was placed.</param>
/// <param name="Bound">Why a node runs where it does and nowhere else, by its name.</param>
/// <param name="HotSpots">Nodes that would be faster elsewhere if they were allowed there.</param>
internal sealed record PlacementResult(
    Permissions Permissions, string Policy, Candidate Chosen, IReadOnlyList<Candidate> Candidates, PlacementGraph Graph, IReadOnlyDictionary<string, string> Bound, IReadOnlyList<HotSpot> HotSpots)
{
    /// <summary>The devices beside the CPU that something is on.</summary>
    public IReadOnlyList<string> Accelerators => [.. Permissions.Names.Where((_, device) => device > 0 && Chosen.Devices.Contains(device))];
}

/// <summary>A node that would be faster elsewhere if it were allowed there.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Operators">Its operators.</param>
/// <param name="Why">Why it is where it is.</param>
/// <param name="Device">Where it would be faster.</param>
/// <param name="Here">What it is predicted to take where it is, in microseconds.</param>
/// <param name="Saved">How much less it would take there.</param>
internal sealed record HotSpot(string Node, string Operators, string Why, string Device, double Here, double Saved);
