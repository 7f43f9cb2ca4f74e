namespace Lathe.Compiler.Placement;

/// <summary>What is placed: a step, or an end of the model, which is the host's.</summary>
/// <param name="Name">The node's name.</param>
/// <param name="Costs">What it takes on each device, in microseconds; infinite where it may not run. Device 0 is the CPU.</param>
/// <param name="IsStep">False for what no subgraph is made of: the model's inputs and outputs.</param>
public sealed record PlacementNode(string Name, IReadOnlyList<double> Costs, bool IsStep = true)
{
    /// <summary>True if it may run on a device.</summary>
    public bool MayRunOn(int device) => double.IsFinite(Costs[device]);
}

/// <summary>A value that a node makes and others read.</summary>
/// <param name="Producer">The number of the node that makes it.</param>
/// <param name="Consumers">The numbers of those that read it, each greater than that.</param>
/// <param name="Transfers">What it takes to bring it from the host to each device, or back, in microseconds; 0 for the CPU.</param>
public sealed record PlacementValue(int Producer, IReadOnlyList<int> Consumers, IReadOnlyList<double> Transfers);

/// <summary>
/// The steps of a model in an order of computation, and the values between them. A placement is a device for each node. A value is copied once to each device that needs it,
/// over the host where neither it nor its source is the CPU.
/// </summary>
/// <param name="Devices">How many devices there are, the CPU included.</param>
/// <param name="Nodes">The nodes.</param>
/// <param name="Values">The values.</param>
public sealed record PlacementGraph(int Devices, IReadOnlyList<PlacementNode> Nodes, IReadOnlyList<PlacementValue> Values)
{
    /// <summary>The sum of what all nodes and transfers of a placement take; infinite if a node is where it may not run.</summary>
    public double Total(IReadOnlyList<int> placement)
    {
        double total = 0;
        for (int i = 0; i < Nodes.Count; i++) total += Nodes[i].Costs[placement[i]];
        foreach ((PlacementValue value, int device, bool isUp) in Transfers(placement)) total += value.Transfers[device];
        return total;
    }

    /// <summary>The copies that a placement needs: the value, the accelerator, and whether it goes from the host to it.</summary>
    public IEnumerable<(PlacementValue Value, int Device, bool IsUp)> Transfers(IReadOnlyList<int> placement)
    {
        foreach (PlacementValue value in Values)
        {
            int from = placement[value.Producer];
            int[] to = [.. value.Consumers.Select(c => placement[c]).Where(d => d != from).Distinct()];
            if (from != 0 && to.Length > 0) yield return (value, from, false);
            foreach (int device in to)
                if (device != 0) yield return (value, device, true);
        }
    }
}
