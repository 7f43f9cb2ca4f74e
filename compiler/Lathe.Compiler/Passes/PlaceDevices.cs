using Lathe.Runtime.Devices;
using System.Globalization;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Lowering;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Compiler.Placement;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Gives every group a device and puts a <see cref="Transfer"/> where a value is read on another one. What is placed are groups in their layouts, the steps to be. What is no group stays on the
/// CPU: branches, loops, routines, and whatever has dims that data determine.
/// </summary>
public sealed class PlaceDevices : IPass
{
    /// <inheritdoc/>
    public bool RunsInBodies => false;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => context.Permissions is { } permissions ? new Placing(graph, permissions, context).Run() : graph;

    private sealed class Placing
    {
        private readonly Graph.Graph _graph;
        private readonly Permissions _permissions;
        private readonly PassContext _context;
        private readonly IReadOnlyList<Node> _order;
        private readonly Preparation _prepared;
        private readonly long _weightBytes;
        private readonly HashSet<IndexVar> _given;
        private readonly Dictionary<Node, int> _numbers = [];
        private readonly List<PlacementNode> _nodes = [];
        private readonly Dictionary<string, string> _bound = new(StringComparer.Ordinal);
        private readonly List<(int Node, string Operators, double[] Costs)> _restricted = [];
        private readonly Dictionary<(int Device, string Precision), (string First, int Count)> _lacking = [];

        public Placing(Graph.Graph graph, Permissions permissions, PassContext context)
        {
            (_graph, _permissions, _context) = (graph, permissions, context);
            _order = graph.TopologicalOrder();
            _prepared = Preparation.Of(graph);
            _weightBytes = _order.Select(n => n.Op).OfType<Constant>().Sum(c => (long)c.Data.Bytes.Length);
            _given = [.. graph.Inputs.SelectMany(i => i.Value.Type.Dims).SelectMany(d => d.Variables)];
        }

        public Graph.Graph Run()
        {
            PlacementGraph placed = Build();
            foreach (((int device, string precision), (string first, int count)) in _lacking)
                _context.Report(new Diagnostic(DiagnosticTable.PrecisionNotOnDevice, null, _permissions.Names[device], precision, count.ToString(CultureInfo.InvariantCulture), first));
            IReadOnlyList<Candidate> candidates = Partitioner.Choose(placed, _permissions.Names, [.. _permissions.List.Select(d => _permissions.Names.ToList().IndexOf(d))]);
            string policy = _context.Options.Affinity;
            Candidate chosen = policy == Partitioner.Priority ? candidates.First(c => c.Name == Partitioner.Priority) : candidates[0];
            _context.Placement = new PlacementResult(_permissions, policy, chosen, candidates, placed, _bound, [.. HotSpots(chosen.Devices)]);
            return Rebuild(chosen.Devices);
        }

        private PlacementGraph Build()
        {
            Dictionary<Value, List<int>> readers = [];
            foreach (Node node in _order)
            {
                if (node.Op is Constant || _prepared.IsEverywhere(node[0])) continue;
                int number = _nodes.Count;
                _numbers.Add(node, number);
                foreach (Value input in node.Inputs.Where(v => !v.IsNone && !_prepared.IsEverywhere(v)).Distinct()) readers[input].Add(number);
                for (int i = 0; i < node.OutputTypes.Length; i++) readers.Add(node[i], []);
                _nodes.Add(node.Op is Input ? End(_graph.NameOf(node)) : Step(node));
            }

            foreach (GraphPort port in _graph.Outputs.Where(p => readers.ContainsKey(p.Value)))
            {
                readers[port.Value].Add(_nodes.Count);
                _nodes.Add(End(port.Name));
            }

            PlacementValue[] values =
            [
                .. readers.Where(r => r.Value.Count > 0).Select(r => new PlacementValue(
                    _numbers[r.Key.Node], r.Value, [.. _permissions.Profiles.Select((p, device) => device == 0 ? 0 : p.CopyUs(Number(PlanBuilder.Bytes(r.Key.Type)) * (r.Key.Op is Fused ? SizeOn(device, r.Key.Type) : 1)))])),
            ];
            return new PlacementGraph(_permissions.Names.Count, _nodes, values);
        }

        private PlacementNode End(string name) => new(name, [.. _permissions.Names.Select((_, device) => device == 0 ? 0 : double.PositiveInfinity)], IsStep: false);

        private PlacementNode Step(Node node)
        {
            string name = _graph.NameOf(node);
            foreach (string inside in node.Op.Bodies.SelectMany(NamesIn)) RefuseRule(inside, inside, $"it is inside of '{name}', and branches and loops run on the CPU");
            if (node.Op is not Fused group)
            {
                string why = node.Op.Bodies.Count > 0 ? $"{node.Op.Name} is control flow" : $"{node.Op.Name} has no kernel";
                if (node.Op is not View)
                {
                    RefuseRule(_graph.Names.GetValueOrDefault(node), name, why);
                    _bound.TryAdd(name, why);
                }

                double bytes = node.Op is View ? 0 : node.Inputs.Where(v => !v.IsNone).Select(v => v.Type).Concat(node.OutputTypes).Sum(t => Number(PlanBuilder.Bytes(t)));
                return new PlacementNode(name, [.. _permissions.Profiles.Select((p, device) => device > 0 ? double.PositiveInfinity : node.Op is View ? 0 : p.StepUs("", PrecisionNames.Fp32, 0, bytes))]);
            }

            int allowed = _permissions.Of(node, _graph);
            TensorType output = node.OutputTypes[0];
            string own = PlanBuilder.PrecisionOf(node, group, output);
            bool isFree = PlanBuilder.Alias(node, group) is not null || PlanBuilder.ContiguousParts(node, group) is not null;
            string operators = string.Join('+', group.Operators.Select(o => o.Name));
            double macs = Number(group.Macs([.. node.Inputs.Select(v => v.Type)], [output])), traffic = Number(node.Inputs.Select(v => v.Type).Append(output).Aggregate(IndexExpr.Zero, (sum, t) => sum + PlanBuilder.Bytes(t)));
            double[] costs = new double[_permissions.Names.Count];
            for (int device = 0; device < costs.Length; device++)
            {
                DeviceProfile profile = _permissions.Profiles[device];
                string precision = PrecisionOn(device, node, group, own);
                string? why = (allowed & (1 << device)) == 0 ? null : device > 0 ? WhyNot(node, group, device, precision) : null;
                if (why is not null)
                {
                    foreach ((string? member, _) in Permissions.MembersOf(group)) RefuseRule(member ?? name, name, why, device);
                    _bound.TryAdd(name, $"{profile.Device}: {why}");
                }

                costs[device] = (allowed & (1 << device)) == 0 || why is not null ? double.PositiveInfinity : isFree ? 0 : StepUs(device);
            }

            if (Permissions.MembersOf(group).Select(m => _permissions.RuleOf(m.Name ?? name)).FirstOrDefault(r => r is not null) is { } rule) _bound[name] = rule.Text;
            else if (Enumerable.Range(1, costs.Length - 1).Where(device => (allowed & (1 << device)) == 0).Select(device => _permissions.Names[device]).ToList() is { Count: > 0 } excluding)
                _bound.TryAdd(name, $"the profile of {string.Join(" and ", excluding)} excludes {group.Root.Op.Name}");
            if (costs.Any(double.IsInfinity) && !DependsOnData(node, group)) _restricted.Add((_nodes.Count, operators, [.. costs.Select((_, device) => StepUs(device))]));
            // A rule may leave nothing but what is refused above.
            if (costs.All(double.IsInfinity)) costs[0] = StepUs(0);
            return new PlacementNode(name, costs);

            double StepUs(int device) => _permissions.Profiles[device].StepUs(operators, PrecisionOn(device, node, group, own), macs, traffic * SizeOn(device, output));
        }

        /// <summary>What a group computes with on a device: products of floats, but for those of weights that were transformed, in the device's precision.</summary>
        private string PrecisionOn(int device, Node node, Fused group, string own) =>
            own == PrecisionNames.Fp32 && _context.Options.StoredOn(_permissions.Names[device]) is { } element && group.Root.Op.Role == OpRole.Contraction
                && !node.Inputs.Any(v => _prepared.Has(v.Node)) ? PrecisionNames.Of(element)! : own;

        /// <summary>The share of their bytes that results have on a device.</summary>
        private double SizeOn(int device, TensorType type) => type.Element == ElementType.Float32 && _context.Options.StoredOn(_permissions.Names[device]) is not null ? 0.5 : 1;

        /// <summary>Why an accelerator cannot run a group that it is allowed to run; null if it can.</summary>
        private string? WhyNot(Node node, Fused group, int device, string precision)
        {
            // Behind a copy it would be no output any more, and be prepared when the model is loaded.
            if (node.Inputs.All(_prepared.IsEverywhere) && _graph.Outputs.Any(o => o.Value == node[0])) return "it is an output that depends on weights alone";
            if (DependsOnData(node, group)) return "its dims are determined by data";
            DeviceProfile profile = _permissions.Profiles[device];
            if (profile.MemoryBytes > 0 && _weightBytes > profile.MemoryBytes) return $"its profile has {profile.MemoryBytes} bytes of memory, and the weights take {_weightBytes}";
            if (Permissions.MembersOf(group).FirstOrDefault(m => _permissions.IsExcluded(device, m.Name ?? _graph.NameOf(node), m.Op.Name)).Op is { } excluded) return $"its profile excludes {excluded.Name}";
            bool isExcluded = precision == PrecisionNames.Int8 && _context.Options.DevicePrecisions.ExcludesBytes(profile.Device);
            if (!isExcluded && (!PrecisionNames.IsArithmetic(precision) || profile.Gmacs.ContainsKey(precision))) return null;
            (string first, int count) = _lacking.GetValueOrDefault((device, precision), (_graph.NameOf(node), 0));
            _lacking[(device, precision)] = (first, count + 1);
            return isExcluded ? $"its precision is {_context.Options.DevicePrecisions.Of(profile.Device)}, not {precision}" : $"its profile has no {precision}";
        }

        /// <summary>What rules or profiles keep from where it would be faster.</summary>
        private IEnumerable<HotSpot> HotSpots(int[] devices)
        {
            foreach ((int node, string operators, double[] costs) in _restricted)
            {
                int here = devices[node], there = Array.IndexOf(costs, costs.Min());
                string name = _nodes[node].Name;
                if (costs[there] < costs[here]) yield return new HotSpot(name, operators, _bound.GetValueOrDefault(name, "it is not allowed elsewhere"), _permissions.Names[there], costs[here], costs[here] - costs[there]);
            }
        }

        private bool DependsOnData(Node node, Fused group) =>
            _graph.Symbols.Any(s => !_given.Contains(s))
            && (node.Inputs.Select(v => v.Type).Append(node.OutputTypes[0]).SelectMany(t => t.Dims).SelectMany(d => d.Variables).Any(s => !_given.Contains(s))
                || ComputationBuilder.Build(group, [.. node.Inputs.Select(v => v.Type)], node.OutputTypes[0], "").Computation.Dims.Any(s => !_given.Contains(s)));

        /// <summary>Refuses a rule that puts on an accelerator what cannot be there.</summary>
        private void RefuseRule(string? name, string node, string why, int? device = null)
        {
            if (_permissions.RuleOf(name) is { Device: > 0 } rule && (device is null || rule.Device == device))
                throw new DiagnosticException(new Diagnostic(DiagnosticTable.ImpossibleAffinity, node, name!, _permissions.Names[rule.Device], rule.Text, why));
        }

        private static IEnumerable<string> NamesIn(Graph.Graph body) => body.TopologicalOrder().SelectMany(n => n.Op is Fused group
            ? Permissions.MembersOf(group).Select(m => m.Name).OfType<string>()
            : n.Op is Input or Constant ? [] : n.Op.Bodies.SelectMany(NamesIn).Concat(body.Names.TryGetValue(n, out string? name) ? [name] : []));

        /// <summary>A size for dims at their defaults.</summary>
        private double Number(IndexExpr size) => size.Evaluate(v => Math.Clamp(1, v.Min, v.Max));

        private Graph.Graph Rebuild(int[] devices)
        {
            GraphBuilder builder = new();
            Dictionary<Value, Value> replaced = [];
            foreach (Node node in _order)
            {
                string device = DeviceOf(node);
                Value[] inputs = [.. node.Inputs.Select(v => v.IsNone ? v : On(v, device))];
                builder.CurrentName = _graph.Names.GetValueOrDefault(node);
                Node copy = builder.AddNode(node.Op is Fused group ? group with { Device = device } : node.Op, inputs);
                for (int i = 0; i < node.OutputTypes.Length; i++) replaced[node[i]] = copy[i];
            }

            GraphPort[] outputs = [.. _graph.Outputs.Select(p => p with { Value = On(p.Value, "CPU") })];
            builder.CurrentName = null;
            return builder.Build(_graph.Name, _graph.Inputs.Select(p => p with { Value = replaced[p.Value] }), outputs, _graph.Symbols);

            string DeviceOf(Node node) => _numbers.TryGetValue(node, out int number) ? _permissions.Names[devices[number]] : "CPU";

            Value On(Value value, string device)
            {
                string from = DeviceOf(value.Node);
                Value at = replaced[value];
                if (_prepared.IsEverywhere(value) || from == device) return at;
                builder.CurrentName = _graph.NameOf(value.Node);
                if (from != "CPU") at = builder.Add(new Transfer("CPU"), at);
                return device == "CPU" ? at : builder.Add(new Transfer(device), at);
            }
        }
    }
}
