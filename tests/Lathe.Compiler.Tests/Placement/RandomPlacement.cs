using Lathe.Compiler.Placement;

namespace Lathe.Compiler.Tests.Placement;

/// <summary>Random graphs to place.</summary>
internal static class RandomPlacement
{
    /// <summary>A graph of an input, steps that each read some values before them, and an output for what nobody reads.</summary>
    public static PlacementGraph Graph(int seed, int steps, int devices)
    {
        Random random = new(seed);
        List<PlacementNode> nodes = [End("in", devices)];
        List<List<int>> readers = [[]];
        for (int i = 1; i <= steps; i++)
        {
            foreach (int read in Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(2) == 0 ? i - 1 : random.Next(i)).Distinct()) readers[read].Add(i);
            double[] costs = [.. Enumerable.Range(0, devices).Select(device => random.Next(8) == 0 ? double.PositiveInfinity : random.Next(1, 100))];
            if (costs.All(double.IsInfinity)) costs[random.Next(devices)] = 5;
            nodes.Add(new PlacementNode($"n{i}", costs));
            readers.Add([]);
        }

        foreach (List<int> none in readers.Where(r => r.Count == 0).ToList()) none.Add(nodes.Count);
        nodes.Add(End("out", devices));
        PlacementValue[] values = [.. readers.Select((r, i) => new PlacementValue(i, r, [.. Enumerable.Range(0, devices).Select(device => device == 0 ? 0.0 : random.Next(1, 60))]))];
        return new PlacementGraph(devices, nodes, values);
    }

    private static PlacementNode End(string name, int devices) => new(name, [.. Enumerable.Range(0, devices).Select(d => d == 0 ? 0 : double.PositiveInfinity)], IsStep: false);
}
