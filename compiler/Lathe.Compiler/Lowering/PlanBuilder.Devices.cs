using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Compiler.Placement;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Lowering;

/// <content>What a plan for several devices has beside steps of the CPU.</content>
public sealed partial class PlanBuilder
{
    /// <summary>The subgraph of each step; empty for a model that is not divided.</summary>
    private readonly Dictionary<Node, int> _subgraphs = [];

    private readonly List<PlacedNode> _placed = [];

    private int DeviceOf(Node node) => node.Op switch
    {
        Fused fused => NumberOf(fused.Device),
        Transfer transfer => NumberOf(transfer.To),
        _ => 0,
    };

    private int NumberOf(string device) => device == "CPU" || _accelerators.Count == 0 ? 0 : _accelerators.ToList().IndexOf(device) + 1;

    /// <summary>The order of the steps of a graph: with accelerators, what they do comes as early as it can.</summary>
    private IReadOnlyList<Node> OrderOf(Graph.Graph graph)
    {
        IReadOnlyList<Node> order = graph.TopologicalOrder();
        if (!_isDivided) return order;
        int[][] needs = NeedsOf(order, node => node);
        bool IsFetch(Node node) => node.Op is Transfer { To: "CPU" };
        StepKind[] kinds =
        [
            .. order.Select(node => IsFetch(node) ? StepKind.Fetches : DeviceOf(node) != 0 ? StepKind.Starts
                : node.Inputs.Any(v => !v.IsNone && IsFetch(v.Node)) ? StepKind.Waits : StepKind.Host),
        ];
        // Dims that data determine are sized in the order of the steps that compute them.
        bool keepsHost = _symbols.Count > _given.Count || order.Any(n => n.Op.Bodies.Count > 0);
        order = [.. StepOrder.Of(kinds, needs, keepsHost).Select(i => order[i])];
        Number(graph, order);
        return order;
    }

    private void Number(Graph.Graph graph, IReadOnlyList<Node> order)
    {
        // Copies, and what hands memory on, are edges between those that they lead from and to.
        HashSet<Node> outputs = [.. graph.Outputs.Select(o => o.Value.Node)];
        HashSet<Node> edges = [.. order.Where(n => n.Op is Transfer or View || (n.Op is Fused group && !outputs.Contains(n) && Alias(n, group) is not null))];
        bool Counts(Node node) => node.Op is not (Input or Constant) && !edges.Contains(node) && !_prepared.IsEverywhere(node[0]);
        int[][] needs = NeedsOf(order, Source);
        int[] subgraphs = Subgraphs.Number([.. order.Select(DeviceOf)], needs, i => Counts(order[i]));
        for (int i = 0; i < subgraphs.Length; i++) _subgraphs[order[i]] = subgraphs[i];
        // A copy belongs to the accelerator's side.
        foreach (Node node in order.Reverse())
        {
            foreach (Node input in node.Inputs.Where(v => !v.IsNone).Select(v => v.Node))
                if (edges.Contains(input) && DeviceOf(input) != 0) _subgraphs[input] = Math.Max(_subgraphs[input], _subgraphs[node]);
        }

        foreach (Node node in order.Where(n => n.Op is Transfer { To: "CPU" })) _subgraphs[node] = _subgraphs[node.Inputs[0].Node];

        Dictionary<Node, int> placed = [];
        for (int i = 0; i < order.Count; i++)
        {
            Node node = order[i];
            if (!Counts(node)) continue;
            int[] before = [.. needs[i].Select(n => order[n]).Where(placed.ContainsKey).Select(n => placed[n]).Distinct()];
            placed.Add(node, _placed.Count);
            string operators = node.Op is Fused group ? string.Join('+', group.Operators.Select(o => o.Name)) : node.Op.Name;
            _placed.Add(new PlacedNode(graph.NameOf(node), operators, DeviceOf(node) == 0 ? "CPU" : _accelerators[DeviceOf(node) - 1], subgraphs[i], before));
        }

        Node Source(Node node)
        {
            while (edges.Contains(node)) node = node.Inputs[0].Node;
            return node;
        }
    }

    /// <summary>The numbers of the nodes before each.</summary>
    private static int[][] NeedsOf(IReadOnlyList<Node> order, Func<Node, Node> source)
    {
        Dictionary<Node, int> numbers = order.Select((node, i) => (node, i)).ToDictionary();
        return [.. order.Select(node => node.Inputs.Where(v => !v.IsNone).Select(v => numbers[source(v.Node)]).ToArray())];
    }

    private TransferStep TransferStep(Graph.Graph graph, Node node, Dictionary<Value, Location> places)
    {
        int step = _step++;
        Value from = node.Inputs[0];
        places[from].Storage?.UsedAt(step);
        places[node[0]].Storage?.UsedAt(step);
        return new TransferStep(graph.NameOf(node), nameof(Transfer), Buffer(places[from], Bytes(from.Type)), Buffer(places[node[0]], Bytes(from.Type)), Bytes(from.Type).ToSize(_symbols));
    }
}
