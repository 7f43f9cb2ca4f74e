namespace Lathe.Compiler.Placement;

/// <summary>
/// What a placement is predicted to take when it runs: one thread goes through the steps in the order of <see cref="StepOrder"/>, computes those of the CPU and starts those of accelerators,
/// each of which does steps and copies one after the other, beside the thread and the other accelerators.
/// </summary>
public static class Schedule
{
    /// <summary>The time from the start of an inference to its end, in microseconds.</summary>
    public static double Time(PlacementGraph graph, IReadOnlyList<int> placement)
    {
        (List<Item> items, List<int[]> needs) = ItemsOf(graph, placement);
        double[] clocks = new double[graph.Devices], done = new double[items.Count];
        foreach (int i in StepOrder.Of([.. items.Select(item => item.Kind)], needs))
        {
            Item item = items[i];
            // The host waits for what it reads; an accelerator begins no earlier than it is told to, and what it reads of its own comes before.
            double start = Math.Max(clocks[0], clocks[item.Device]);
            foreach (int need in needs[i]) start = Math.Max(start, done[need]);
            clocks[item.Device] = done[i] = start + item.Time;
        }

        return done.DefaultIfEmpty(0).Max();
    }

    private static (List<Item> Items, List<int[]> Needs) ItemsOf(PlacementGraph graph, IReadOnlyList<int> placement)
    {
        List<Item> items = [];
        List<int[]> needs = [];
        List<PlacementValue>[] read = [.. graph.Nodes.Select(_ => new List<PlacementValue>())];
        foreach (PlacementValue value in graph.Values)
            foreach (int consumer in value.Consumers.Distinct()) read[consumer].Add(value);

        int[] steps = new int[graph.Nodes.Count];
        Dictionary<(PlacementValue, int), int> copies = new(ReferencePairs.Instance);
        for (int node = 0; node < graph.Nodes.Count; node++)
        {
            int device = placement[node];
            int[] inputs = [.. read[node].Select(value => CopyOf(value, device))];
            bool waits = device == 0 && inputs.Any(i => items[i].Kind == StepKind.Fetches);
            steps[node] = Add(new Item(device, graph.Nodes[node].Costs[device], device != 0 ? StepKind.Starts : waits ? StepKind.Waits : StepKind.Host), inputs);
        }

        return (items, needs);

        int CopyOf(PlacementValue value, int device)
        {
            int from = placement[value.Producer];
            if (from == device) return steps[value.Producer];
            if (copies.TryGetValue((value, device), out int known)) return known;
            int copy = device == 0
                ? Add(new Item(from, value.Transfers[from], StepKind.Fetches), [steps[value.Producer]])
                : Add(new Item(device, value.Transfers[device], StepKind.Starts), [CopyOf(value, 0)]);
            return copies[(value, device)] = copy;
        }

        int Add(Item item, int[] inputs)
        {
            items.Add(item);
            needs.Add(inputs);
            return items.Count - 1;
        }
    }

    private readonly record struct Item(int Device, double Time, StepKind Kind);

    private sealed class ReferencePairs : IEqualityComparer<(PlacementValue Value, int Device)>
    {
        public static ReferencePairs Instance { get; } = new();

        public bool Equals((PlacementValue Value, int Device) x, (PlacementValue Value, int Device) y) => ReferenceEquals(x.Value, y.Value) && x.Device == y.Device;

        public int GetHashCode((PlacementValue Value, int Device) pair) => HashCode.Combine(System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(pair.Value), pair.Device);
    }
}
