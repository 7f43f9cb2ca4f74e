using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Placement;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Lowering;

/// <content>What a plan for several devices has beside steps of the CPU.</content>
public sealed partial class PlanBuilder
{
    /// <summary>The subgraph of each step; empty where there are no accelerators.</summary>
    private readonly Dictionary<Node, int> _subgraphs = [];

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
        if (_accelerators.Count == 0) return order;
        Dictionary<Node, int> numbers = order.Select((node, i) => (node, i)).ToDictionary();
        int[][] needs = [.. order.Select(node => node.Inputs.Where(v => !v.IsNone).Select(v => numbers[v.Node]).ToArray())];
        bool IsFetch(Node node) => node.Op is Transfer { To: "CPU" };
        StepKind[] kinds =
        [
            .. order.Select(node => IsFetch(node) ? StepKind.Fetches : DeviceOf(node) != 0 ? StepKind.Starts
                : node.Inputs.Any(v => !v.IsNone && IsFetch(v.Node)) ? StepKind.Waits : StepKind.Host),
        ];
        // Dims that data determine are sized in the order of the steps that compute them.
        bool keepsHost = _symbols.Count > _given.Count || order.Any(n => n.Op.Bodies.Count > 0);
        order = [.. StepOrder.Of(kinds, needs, keepsHost).Select(i => order[i])];
        Number(order);
        return order;
    }

    private void Number(IReadOnlyList<Node> order)
    {
        Dictionary<Node, int> numbers = order.Select((node, i) => (node, i)).ToDictionary();
        // Copies are edges between those that they lead from and to.
        int[][] needs = [.. order.Select(node => node.Inputs.Where(v => !v.IsNone).Select(v => numbers[Source(v.Node)]).ToArray())];
        int[] subgraphs = Subgraphs.Number([.. order.Select(DeviceOf)], needs, i => order[i].Op is not (Input or Constant or Transfer) && !_prepared.Has(order[i]) && !_prepared.IsEverywhere(order[i][0]));
        for (int i = 0; i < subgraphs.Length; i++) _subgraphs[order[i]] = subgraphs[i];
        // A copy belongs to the accelerator's side.
        foreach (Node node in order.Reverse())
        {
            if (node.Op is not (Fused or Transfer)) continue;
            foreach (Node up in node.Inputs.Select(v => v.Node).Where(n => n?.Op is Transfer { To: not "CPU" })) _subgraphs[up] = _subgraphs[node];
            if (node.Op is Transfer { To: "CPU" }) _subgraphs[node] = _subgraphs[node.Inputs[0].Node];
        }

        static Node Source(Node node) => node.Op is Transfer ? Source(node.Inputs[0].Node) : node;
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
