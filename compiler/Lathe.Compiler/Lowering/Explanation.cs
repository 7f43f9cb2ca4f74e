using System.Globalization;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Placement;
using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Lowering;

/// <summary>Says of a plan for several devices what is where, why, what it is predicted to take, and what might be better.</summary>
internal sealed class Explanation
{
    /// <summary>The most hot spots and splits that are told of.</summary>
    private const int MostAdvice = 3;

    /// <summary>The share of the whole that a hot spot takes at least.</summary>
    private const double HotShare = 0.05;

    private static readonly string[] Colours = ["dde8f8", "f8e0c0", "d8f0d0", "f0d8f0"];

    private readonly PlacementResult _placement;
    private readonly PlannedModel _planned;
    private readonly long[] _dims;
    private readonly List<CompileSubgraph> _subgraphs = [];

    private Explanation(PlacementResult placement, PlannedModel planned, long[] dims) => (_placement, _planned, _dims) = (placement, planned, dims);

    /// <summary>Explains a plan.</summary>
    /// <param name="placement">How it came to be.</param>
    /// <param name="planned">The plan.</param>
    /// <param name="affinity">What decided.</param>
    /// <param name="dims">The values of the named dims to predict for.</param>
    public static PlacementReport Of(PlacementResult placement, PlannedModel planned, string affinity, long[] dims)
    {
        Explanation explanation = new(placement, planned, dims);
        foreach (IGrouping<int, PlanStep> subgraph in planned.Steps.Where(s => s.Subgraph > 0).GroupBy(s => s.Subgraph).OrderBy(g => g.Key)) explanation.Explain(subgraph.Key, [.. subgraph]);
        return new PlacementReport(
            affinity,
            placement.Chosen.Time / 1e3,
            [.. placement.Candidates.OrderBy(c => c.Name, StringComparer.Ordinal).Select(c => new PredictedTime(c.Name, c.Time / 1e3))],
            explanation._subgraphs,
            [.. explanation.Advice()],
            explanation.Steps(),
            explanation.Graph());
    }

    /// <summary>Devices with less memory than what is placed there takes, for dims at their defaults.</summary>
    public static IEnumerable<Diagnostic> MemoryWarnings(Plan plan, PlacementResult placement)
    {
        long[] dims = [.. plan.Symbols.Select(s => s.Default)];
        foreach (PlanAccelerator accelerator in plan.Accelerators)
        {
            long memory = placement.Permissions.Profiles.First(p => p.Device == accelerator.Device).MemoryBytes, weights = plan.WeightBytes + plan.PreparedBytes, arena = accelerator.ArenaBytes.Evaluate(dims);
            if (memory > 0 && weights + arena > memory)
                yield return new Diagnostic(DiagnosticTable.DeviceMemory, null, [accelerator.Device, .. new[] { memory, weights + arena, weights, arena }.Select(n => n.ToString(CultureInfo.InvariantCulture))]);
        }
    }

    private void Explain(int number, PlanStep[] all)
    {
        PlanStep[] steps = [.. all.Where(s => s is not TransferStep)];
        // What only hands memory on has copies and no steps.
        if (steps.Length == 0) return;
        int device = steps.OfType<KernelStep>().Select(s => s.Device).FirstOrDefault();
        (string name, DeviceProfile profile, DeviceProfile cpu) = (device == 0 ? "CPU" : _planned.Accelerators[device - 1].Device, ProfileOf(device), ProfileOf(0));
        TransferStep[] copies = [.. all.OfType<TransferStep>()];
        double total = steps.Sum(s => TimeOf(s, profile)), launch = steps.Length * profile.LaunchUs, transfer = copies.Sum(c => profile.CopyUs(c.Bytes.Evaluate(_dims)));
        double onCpu = steps.Sum(s => TimeOf(s, cpu));
        _subgraphs.Add(new CompileSubgraph(
            number, name, PrecisionOf(steps), Reason(name, steps, total, transfer, onCpu), [.. steps.Select(s => s.Node)], steps.OfType<KernelStep>().Sum(s => s.Macs.Evaluate(_dims)), (total - launch) / 1e3, launch / 1e3, transfer / 1e3,
            copies.Sum(c => c.Bytes.Evaluate(_dims)), onCpu / 1e3));
    }

    /// <summary>The precisions of steps, the most frequent first: of those that multiply, or else of all.</summary>
    private string PrecisionOf(PlanStep[] steps)
    {
        KernelStep[] kernels = [.. steps.OfType<KernelStep>()], products = [.. kernels.Where(k => k.Macs.Evaluate(_dims) > 0)];
        return string.Join('+', (products.Length > 0 ? products : kernels).GroupBy(k => k.Precision).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).Select(g => g.Key));
    }

    private string Reason(string device, PlanStep[] steps, double here, double transfer, double onCpu)
    {
        (string Node, string Why)[] bound = [.. steps.Where(s => _placement.Bound.ContainsKey(s.Node)).Select(s => (s.Node, _placement.Bound[s.Node]))];
        string others = bound.Length > 1 ? $" (and {bound.Length - 1} more)" : "";
        if (bound.Length > 0) return $"'{bound[0].Node}': {bound[0].Why}{others}";
        if (_placement.Policy == Partitioner.Priority) return $"{device} is the first of {string.Join(",", _placement.Permissions.List)} that can";
        return device == "CPU"
            ? "no other device is predicted to be faster, with the copies that it would need"
            : string.Create(CultureInfo.InvariantCulture, $"{here / 1e3:F3} ms here and {transfer / 1e3:F3} ms of copies, against {onCpu / 1e3:F3} ms on the CPU");
    }

    private IEnumerable<string> Advice()
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        Candidate chosen = _placement.Chosen, cpu = _placement.Candidates.First(c => c.Name == Partitioner.Cpu);
        string devices = string.Join(" and ", _placement.Permissions.Names.Skip(1));
        if (chosen.Time >= cpu.Time && devices.Length > 0)
            yield return string.Create(culture, $"{devices} {(devices.Contains(' ') ? "do" : "does")} not pay for this network: {chosen.Time / 1e3:F3} ms are predicted as it is divided, and {cpu.Time / 1e3:F3} ms for the CPU alone.");
        Candidate best = _placement.Candidates[0];
        if (best.Time < chosen.Time * 0.99) yield return string.Create(culture, $"With --affinity cost {best.Time / 1e3:F3} ms are predicted, in place of {chosen.Time / 1e3:F3} ms.");
        foreach (HotSpot spot in _placement.HotSpots.Where(s => s.Saved > HotShare * chosen.Time).OrderByDescending(s => s.Saved).Take(MostAdvice))
            yield return string.Create(culture, $"A hot spot worth moving: '{spot.Node}' ({spot.Operators}) is predicted to take {spot.Here / 1e3:F3} ms where it is ({spot.Why}), and {(spot.Here - spot.Saved) / 1e3:F3} ms on {spot.Device}.");
        foreach (CompileSubgraph small in _subgraphs.Where(s => s.Nodes.Count < Partitioner.LeastSteps && _subgraphs.Count > 2).OrderByDescending(s => s.TransferMs).Take(MostAdvice))
            yield return string.Create(culture, $"Coarsen here: subgraph {small.Number} on {small.Device} has {small.Nodes.Count} {(small.Nodes.Count == 1 ? "step" : "steps")}, '{small.Nodes[0]}' first: {small.Reason}.");
    }

    private double TimeOf(PlanStep step, DeviceProfile profile) => step switch
    {
        KernelStep kernel => profile.StepUs(kernel.Op, kernel.Precision, kernel.Macs.Evaluate(_dims), kernel.Traffic.Evaluate(_dims)),
        RoutineStep routine => profile.StepUs("", PrecisionNames.Fp32, 0, routine.Operands.Where(o => o.Buffer >= 0).Sum(o => (double)_planned.Buffers[o.Buffer].Bytes.Evaluate(_dims))),
        _ => profile.LaunchUs,
    };

    private DeviceProfile ProfileOf(int device) =>
        _placement.Permissions.Profiles[device == 0 ? 0 : _placement.Permissions.Names.ToList().IndexOf(_planned.Accelerators[device - 1].Device)];

    private string ColourOf(string device) => Colours[_placement.Permissions.Names.ToList().IndexOf(device) % Colours.Length];

    private Drawing Steps() => new(
        "Devices of steps",
        [.. _planned.Placed.Select(n => new DrawnNode([n.Name, n.Operators, n.Device], ColourOf(n.Device)))],
        [.. _planned.Placed.SelectMany((n, i) => n.Needs.Select(need => new DrawnEdge(need, i, _planned.Placed[need].Device != n.Device)))]);

    private Drawing Graph()
    {
        Dictionary<int, int> boxes = _subgraphs.Select((s, i) => (s.Number, i)).ToDictionary();
        HashSet<(int From, int To)> edges = [];
        for (int i = 0; i < _planned.Placed.Count; i++)
        {
            foreach (int need in _planned.Placed[i].Needs)
                if (boxes.TryGetValue(_planned.Placed[need].Subgraph, out int from) && boxes.TryGetValue(_planned.Placed[i].Subgraph, out int to) && from != to) edges.Add((from, to));
        }

        int[] place = Sorted(edges, _subgraphs.Count);
        DrawnNode[] nodes = new DrawnNode[_subgraphs.Count];
        for (int i = 0; i < nodes.Length; i++)
        {
            CompileSubgraph s = _subgraphs[i];
            nodes[place[i]] = new DrawnNode(
                [$"{s.Number}: {s.Device}, {s.Nodes.Count} {(s.Nodes.Count == 1 ? "step" : "steps")}", $"{s.Nodes[0]} … {s.Nodes[^1]}", string.Create(CultureInfo.InvariantCulture, $"{s.ComputeMs + s.LaunchMs:F3} ms, copies {s.TransferMs:F3} ms")],
                ColourOf(s.Device));
        }

        return new Drawing("Subgraphs", nodes, [.. edges.Select(e => new DrawnEdge(place[e.From], place[e.To], IsCopy: true))]);
    }

    /// <summary>The place of each box in an order in which arrows lead on.</summary>
    private static int[] Sorted(HashSet<(int From, int To)> edges, int count)
    {
        int[][] needs = [.. Enumerable.Range(0, count).Select(i => edges.Where(e => e.To == i).Select(e => e.From).ToArray())];
        int[] order = StepOrder.Of([.. Enumerable.Repeat(StepKind.Host, count)], needs), place = new int[count];
        for (int i = 0; i < count; i++) place[order[i]] = i;
        return place;
    }
}
