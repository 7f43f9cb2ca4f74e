using Lathe.Compiler.Placement;

namespace Lathe.Compiler.Tests.Placement;

/// <summary>Where the steps of random graphs go.</summary>
public sealed class PartitionerTests
{
    private static readonly string[] Names = ["CPU", "GPU", "SIM"];

    [Test]
    public void The_sum_for_two_devices_is_the_least_of_all([Range(0, 79)] int seed)
    {
        PlacementGraph graph = RandomPlacement.Graph(seed, steps: 3 + (seed % 9), devices: 2);
        int[] placement = Expansion.Minimise(graph, Partitioner.Preferring(graph, [0, 1]));
        Assert.That(graph.Total(placement), Is.EqualTo(LeastTotal(graph)).Within(1e-6));
    }

    [Test]
    public void The_sum_for_three_devices_is_near_the_least([Range(0, 39)] int seed)
    {
        PlacementGraph graph = RandomPlacement.Graph(seed, steps: 4 + (seed % 4), devices: 3);
        double least = LeastTotal(graph), total = graph.Total(Expansion.Minimise(graph, Partitioner.Preferring(graph, [0, 1, 2])));
        Assert.That(total, Is.GreaterThanOrEqualTo(least - 1e-6));
        // No bound in theory for unequal costs of copies; in these graphs it is the optimum nearly always, and never far from it.
        Assert.That(total, Is.LessThanOrEqualTo(least * 1.25 + 1e-6));
        foreach (int[] start in (int[][])[Partitioner.Preferring(graph, [1, 0, 2]), Partitioner.Preferring(graph, [2, 1, 0])])
            Assert.That(graph.Total(Expansion.Minimise(graph, start)), Is.LessThanOrEqualTo(graph.Total(start) + 1e-6));
    }

    [Test]
    public void Keeps_what_is_allowed_and_is_no_slower_than_what_it_is_compared_with([Range(0, 59)] int seed)
    {
        int devices = 2 + (seed % 2);
        PlacementGraph graph = RandomPlacement.Graph(seed, steps: 5 + seed, devices);
        int[] list = seed % 4 < 2 ? [.. Enumerable.Range(1, devices - 1), 0] : [0, .. Enumerable.Range(1, devices - 1)];
        IReadOnlyList<Candidate> candidates = Partitioner.Choose(graph, Names[..devices], list);
        Assert.That(candidates.Select(c => c.Name), Is.EquivalentTo((string[])[Partitioner.Cost, Partitioner.Priority, .. Names[..devices]]));
        Candidate cost = candidates.Single(c => c.Name == Partitioner.Cost);
        foreach (Candidate candidate in candidates)
        {
            for (int i = 0; i < graph.Nodes.Count; i++) Assert.That(graph.Nodes[i].MayRunOn(candidate.Devices[i]), $"{candidate.Name} {i}");
            Assert.That(candidate.Time, Is.EqualTo(Schedule.Time(graph, candidate.Devices)));
            Assert.That(cost.Time, Is.LessThanOrEqualTo(candidate.Time), candidate.Name);
        }
    }

    [Test]
    public void Subgraphs_are_of_one_device_and_have_no_cycles([Range(0, 59)] int seed)
    {
        Random random = new(seed);
        PlacementGraph graph = RandomPlacement.Graph(seed, steps: 10 + (seed * 2), devices: 3);
        // Whatever the placement is.
        int[] placement = [.. graph.Nodes.Select(n => n.IsStep ? random.Next(3) : 0)], numbers = Subgraphs.Number(graph, placement);
        Dictionary<int, HashSet<int>> edges = [];
        for (int i = 0; i < numbers.Length; i++)
        {
            Assert.That(numbers[i] > 0, Is.EqualTo(graph.Nodes[i].IsStep));
            if (numbers[i] > 0) edges.TryAdd(numbers[i], []);
        }

        foreach (IGrouping<int, int> subgraph in Enumerable.Range(0, numbers.Length).Where(i => numbers[i] > 0).GroupBy(i => numbers[i]))
            Assert.That(subgraph.Select(i => placement[i]).Distinct().Count(), Is.EqualTo(1));
        foreach (PlacementValue value in graph.Values.Where(v => graph.Nodes[v.Producer].IsStep))
            foreach (int consumer in value.Consumers.Where(c => graph.Nodes[c].IsStep && numbers[c] != numbers[value.Producer])) edges[numbers[value.Producer]].Add(numbers[consumer]);

        HashSet<int> left = [.. edges.Keys];
        while (left.FirstOrDefault(n => !edges.Any(e => left.Contains(e.Key) && e.Value.Contains(n))) is var free and > 0) left.Remove(free);
        Assert.That(left, Is.Empty);
    }

    [Test]
    public void Neighbours_on_one_device_are_one_subgraph()
    {
        // in → a(1) → b(1) → c(0) → d(1), and a → d.
        int[] numbers = Subgraphs.Number([0, 1, 1, 0, 1], [[], [0], [1], [2], [3, 1]], i => i > 0);
        Assert.That(numbers, Is.EqualTo(new[] { 0, 1, 1, 2, 3 }));
    }

    [Test]
    public void A_small_subgraph_joins_its_neighbours_unless_that_costs_time()
    {
        // A chain of ten, of which one in the middle is a little faster on the CPU than it is worth: at 100 it is worth it.
        foreach ((double there, int subgraphs) in ((double, int)[])[(33, 1), (100, 3)])
        {
            PlacementNode[] steps = [.. Enumerable.Range(0, 10).Select(i => new PlacementNode($"{i}", i == 5 ? [10, there] : [1000, 100]))];
            PlacementNode end = new("", [0, double.PositiveInfinity], IsStep: false);
            PlacementGraph graph = new(2, [end, .. steps, end], [.. Enumerable.Range(0, 11).Select(i => new PlacementValue(i, [i + 1], [0, 10]))]);
            Candidate best = Partitioner.Choose(graph, Names[..2], [1, 0])[0];
            Assert.That(Subgraphs.Number(graph, best.Devices).Max(), Is.EqualTo(subgraphs));
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public void Long_chains_and_large_graphs_take_bounded_time()
    {
        PlacementNode end = new("", [0, double.PositiveInfinity], IsStep: false);
        // Costs that pull each node to another device than the one before it, with copies that hold them together in parts.
        PlacementNode[] steps = [.. Enumerable.Range(0, 3000).Select(i => new PlacementNode($"{i}", i % 2 == 0 ? [5 + (i % 13), 9] : [9, 5 + (i % 11)]))];
        foreach (PlacementGraph graph in (PlacementGraph[])
            [
                new(2, [end, .. steps, end], [.. Enumerable.Range(0, 3001).Select(i => new PlacementValue(i, [i + 1], [0, 1 + (i % 7)]))]),
                RandomPlacement.Graph(1, 500, 3),
                RandomPlacement.Graph(2, 20_000, 2),
            ])
            Assert.That(Partitioner.Choose(graph, Names[..graph.Devices], [.. Enumerable.Range(1, graph.Devices - 1), 0]), Is.Not.Empty);
    }

    [Test]
    public void Branches_on_different_devices_overlap()
    {
        PlacementNode end = new("", [0, double.PositiveInfinity], IsStep: false);
        // Two branches of equal length: one of them on the accelerator takes half the time, though each step is slower there.
        PlacementGraph graph = new(2, [end, new("a", [100, 110]), new("b", [100, 110]), end], [new(0, [1, 2], [0, 1]), new(1, [3], [0, 1]), new(2, [3], [0, 1])]);
        Assert.That(Schedule.Time(graph, [0, 1, 0, 0]), Is.EqualTo(112).Within(1e-9));
        Candidate best = Partitioner.Choose(graph, Names[..2], [0, 1])[0];
        Assert.That(best.Time, Is.EqualTo(112).Within(1e-9));
        Assert.That(Schedule.Time(graph, [0, 0, 0, 0]), Is.EqualTo(200));
    }

    private static double LeastTotal(PlacementGraph graph)
    {
        int[] placement = new int[graph.Nodes.Count];
        double least = double.PositiveInfinity;
        Try(0);
        return least;

        void Try(int node)
        {
            if (node == placement.Length)
            {
                least = Math.Min(least, graph.Total(placement));
                return;
            }

            for (int device = 0; device < graph.Devices; device++)
            {
                if (!graph.Nodes[node].MayRunOn(device)) continue;
                placement[node] = device;
                Try(node + 1);
            }
        }
    }
}
