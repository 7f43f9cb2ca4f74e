namespace Lathe.Compiler.Placement;

/// <summary>A placement and what it is predicted to take.</summary>
/// <param name="Name">How it came to be.</param>
/// <param name="Devices">The device of each node.</param>
/// <param name="Time">The predicted time of an inference, in microseconds.</param>
public sealed record Candidate(string Name, int[] Devices, double Time);

/// <summary>
/// Chooses the placement of least predicted time out of the one of least sum, all on the CPU, as much as possible on each of the others, and the first device of a list that may run a node. Small subgraphs
/// of the first join their neighbours unless that costs time.
/// </summary>
public static class Partitioner
{
    /// <summary>The names of candidates: least sum, the CPU, and the list.</summary>
    public const string Cost = "cost", Cpu = "CPU", Priority = "priority";

    /// <summary>A subgraph of fewer steps joins its neighbours unless that takes longer by a share of the whole.</summary>
    public const int LeastSteps = 3;

    private const double Slack = 0.01;

    /// <summary>Nodes that are scheduled in all while subgraphs are tried on other devices: each try takes time with the number of nodes, and there may be as many tries as nodes.</summary>
    private const int MostScheduled = 300_000;

    /// <summary>Nodes beyond which no cut is looked for, which takes time with more than their square at worst: the other candidates are left.</summary>
    private const int MostCut = 5000;

    /// <summary>All candidates, the best first.</summary>
    /// <param name="graph">The graph; every node may run on some device.</param>
    /// <param name="names">The names of the devices, the CPU first.</param>
    /// <param name="list">The numbers of the devices in order of priority.</param>
    public static IReadOnlyList<Candidate> Choose(PlacementGraph graph, IReadOnlyList<string> names, IReadOnlyList<int> list)
    {
        List<Candidate> others = [Of(Cpu, Preferring(graph, [0, .. list]))];
        foreach (int device in Enumerable.Range(1, graph.Devices - 1)) others.Add(Of(names[device], Preferring(graph, [device, 0, .. list])));
        others.Add(Of(Priority, Preferring(graph, list)));

        // Expansion moves end in a local optimum where there are more than two devices: each start may lead to another.
        IEnumerable<int[]> starts = graph.Devices > 2 ? others.Select(o => o.Devices) : [others[0].Devices];
        Candidate least = starts.Select(start => Of(Cost, graph.Nodes.Count <= MostCut ? Expansion.Minimise(graph, start) : others.MinBy(o => o.Time)!.Devices)).MinBy(c => graph.Total(c.Devices))!;
        List<Candidate> all = [Of(Cost, Improve(graph, least.Devices, Slack)), .. others];
        if (all.Skip(1).Any(o => o.Time < all[0].Time)) all[0] = Of(Cost, Improve(graph, all.MinBy(c => c.Time)!.Devices, slack: 0));
        return [.. all.OrderBy(c => c.Time)];

        Candidate Of(string name, int[] placement) => new(name, placement, Schedule.Time(graph, placement));
    }

    /// <summary>Every node on the first device of a list that may run it.</summary>
    public static int[] Preferring(PlacementGraph graph, IReadOnlyList<int> list) => [.. graph.Nodes.Select(node => list.First(node.MayRunOn))];

    /// <summary>Moves whole subgraphs to other devices where that takes less time and, within the slack, small ones where it takes no more.</summary>
    private static int[] Improve(PlacementGraph graph, int[] start, double slack)
    {
        const int maxRounds = 4;
        int tries = MostScheduled / Math.Max(1, graph.Nodes.Count);
        int[] best = start;
        double time = Schedule.Time(graph, best), limit = time * (1 + slack);
        for (int round = 0; round < maxRounds; round++)
        {
            bool isBetter = false;
            int[] numbers = Subgraphs.Number(graph, best);
            foreach (IGrouping<int, int> subgraph in Enumerable.Range(0, numbers.Length).Where(i => numbers[i] > 0).GroupBy(i => numbers[i]).OrderBy(g => g.Count()).ToList())
            {
                int[] members = [.. subgraph];
                bool isSmall = members.Length < LeastSteps;
                foreach (int device in Enumerable.Range(0, graph.Devices).Where(d => d != best[members[0]] && members.All(m => graph.Nodes[m].MayRunOn(d))))
                {
                    if (tries-- == 0) return best;
                    int[] moved = [.. best];
                    foreach (int member in members) moved[member] = device;
                    double tried = Schedule.Time(graph, moved);
                    if (tried >= time * (1 - 1e-9) && !(isSmall && tried <= limit && Count(moved) < Count(best))) continue;
                    (best, time, isBetter) = (moved, tried, true);
                    break;
                }
            }

            if (!isBetter) break;
        }

        return best;

        int Count(int[] placement) => Subgraphs.Number(graph, placement).Max();
    }
}
