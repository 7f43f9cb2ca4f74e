namespace Lathe.Compiler.Placement;

/// <summary>
/// Numbers the subgraphs of a placement: neighbours on one device before which equally many changes of device lie. An edge never leads to a lower number of changes, and to an equal one only inside of a
/// device, so that the graph of subgraphs has no cycles whatever the placement is.
/// </summary>
public static class Subgraphs
{
    /// <summary>The number of the subgraph of each step, from 1, in the order of their first steps; 0 for what is none.</summary>
    /// <param name="devices">The device of each step; they are given in an order of computation.</param>
    /// <param name="needs">The numbers of the steps before each.</param>
    /// <param name="counts">False for what no subgraph is made of.</param>
    public static int[] Number(IReadOnlyList<int> devices, IReadOnlyList<IReadOnlyList<int>> needs, Func<int, bool> counts)
    {
        int[] changes = new int[devices.Count], group = [.. Enumerable.Range(0, devices.Count)];
        for (int i = 0; i < devices.Count; i++)
            foreach (int need in needs[i].Where(counts)) changes[i] = Math.Max(changes[i], changes[need] + (devices[need] == devices[i] ? 0 : 1));
        for (int i = 0; i < devices.Count; i++)
            foreach (int need in counts(i) ? needs[i].Where(counts) : [])
                if (devices[need] == devices[i] && changes[need] == changes[i]) group[Find(i)] = Find(need);

        Dictionary<int, int> numbers = [];
        int[] result = new int[devices.Count];
        for (int i = 0; i < devices.Count; i++)
        {
            if (!counts(i)) continue;
            int root = Find(i);
            if (!numbers.TryGetValue(root, out result[i])) numbers[root] = result[i] = numbers.Count + 1;
        }

        return result;

        int Find(int node)
        {
            while (group[node] != node) node = group[node] = group[group[node]];
            return node;
        }
    }

    /// <summary>The number of the subgraph of each node of a placement, from 1; 0 for the ends of the model.</summary>
    public static int[] Number(PlacementGraph graph, IReadOnlyList<int> placement)
    {
        List<int>[] needs = [.. graph.Nodes.Select(_ => new List<int>())];
        foreach (PlacementValue value in graph.Values)
            foreach (int consumer in value.Consumers) needs[consumer].Add(value.Producer);
        return Number(placement, needs, i => graph.Nodes[i].IsStep);
    }
}
