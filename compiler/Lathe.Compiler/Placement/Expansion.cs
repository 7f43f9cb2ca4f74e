namespace Lathe.Compiler.Placement;

/// <summary>
/// The placement of least <see cref="PlacementGraph.Total"/>: exactly for two devices, by a minimum cut; for more by such cuts in turn, each of which finds the best of all placements
/// that differ by nodes that go to one device (expansion moves: Boykov, Veksler and Zabih, "Fast Approximate Energy Minimization via Graph Cuts", 2001).
/// </summary>
public static class Expansion
{
    /// <summary>More rounds than any moves need that each lower the sum.</summary>
    private const int MaxRounds = 20;

    /// <summary>Improves a placement until no move does any more.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="start">A placement of which every node may run where it is.</param>
    public static int[] Minimise(PlacementGraph graph, IReadOnlyList<int> start)
    {
        int[] placement = [.. start];
        double total = graph.Total(placement);
        for (int round = 0, unchanged = 0; round < MaxRounds && unchanged < graph.Devices; round++)
        {
            for (int device = graph.Devices - 1; device >= 0 && unchanged < graph.Devices; device--)
            {
                int[] moved = Move(graph, placement, device);
                double sum = graph.Total(moved);
                if (sum < total * (1 - 1e-9)) (placement, total, unchanged) = (moved, sum, 0);
                else unchanged++;
            }
        }

        return placement;
    }

    /// <summary>The best of all placements in which each node stays where it is or goes to a device.</summary>
    private static int[] Move(PlacementGraph graph, int[] placement, int device)
    {
        int nodes = graph.Nodes.Count, source = nodes, sink = nodes + 1, count = nodes + 2;
        List<(int From, int To, double Capacity)> edges = [];
        for (int i = 0; i < nodes; i++)
        {
            // On the source's side it stays, on the sink's it goes.
            edges.Add((source, i, Finite(graph.Nodes[i].Costs[device])));
            edges.Add((i, sink, placement[i] == device ? MinimumCut.Never : Finite(graph.Nodes[i].Costs[placement[i]])));
        }

        foreach (PlacementValue value in graph.Values) Connect(value);
        MinimumCut cut = new(count);
        foreach ((int from, int to, double capacity) in edges) cut.Add(from, to, capacity);
        bool[] stays = cut.SourceSide(source, sink);
        return [.. placement.Select((d, i) => stays[i] ? d : device)];

        static double Finite(double cost) => double.IsFinite(cost) ? cost : MinimumCut.Never;

        // A further node for each copy: on the side on which the copy is paid for as soon as one of those that need it is there.
        void Connect(PlacementValue value)
        {
            int producer = value.Producer, at = placement[producer];
            foreach (int to in value.Consumers.Select(c => placement[c]).Append(device).Distinct())
            {
                if (to == 0) continue;
                if (to == device)
                {
                    // Copied to the device if the producer stays elsewhere and a reader is there.
                    if (at == device) continue;
                    int copy = count++;
                    edges.Add((producer, copy, value.Transfers[to]));
                    foreach (int c in value.Consumers) edges.Add((copy, c, MinimumCut.Never));
                }
                else
                {
                    // Copied to another accelerator if a reader stays there and the producer is not there.
                    int copy = count++;
                    edges.Add((copy, at == to ? producer : sink, value.Transfers[to]));
                    foreach (int c in value.Consumers.Where(c => placement[c] == to)) edges.Add((c, copy, MinimumCut.Never));
                }
            }

            // To the host, if the producer stays on an accelerator and a reader is elsewhere.
            if (at != 0 && at != device)
            {
                int copy = count++;
                edges.Add((producer, copy, value.Transfers[at]));
                foreach (int c in value.Consumers) edges.Add((copy, placement[c] == at ? c : sink, MinimumCut.Never));
            }

            // And if it goes to the device, or is there, and a reader stays elsewhere.
            if (device != 0)
            {
                int copy = count++;
                edges.Add((copy, producer, value.Transfers[device]));
                foreach (int c in value.Consumers.Where(c => placement[c] != device)) edges.Add((c, copy, MinimumCut.Never));
            }
        }
    }
}
