using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Placement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Runtime;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Puts a depthwise convolution, the pointwise one before it and the pointwise one after it into one kernel that goes row by row, where what lies between
/// them is larger than a second-level cache holds beside everything else: it then never leaves that cache.
/// </summary>
public sealed class FuseStrips : IPass
{
    /// <summary>What one of two convolutions gives has to be this large for a chain of both to begin; smaller tensors stay near by themselves.</summary>
    private const long LeastBytes = 512 << 10;

    /// <summary>What the rows of a ring may take: a part of a second-level cache.</summary>
    private const long MostRingBytes = 512 << 10;

    /// <summary>Rows are what threads share: with fewer, some would have nothing to do.</summary>
    private const long LeastRows = 16;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => context.Options.Optimize ? new Chains(graph, context.Permissions).Rebuild() : graph;

    /// <summary>A group around a convolution that may be part of a chain.</summary>
    /// <param name="Port">The group's input that is convolved.</param>
    /// <param name="Rows">The rows of its input that one of its output reads; 1 for a pointwise convolution.</param>
    /// <param name="IsDepthwise">True for a depthwise convolution.</param>
    private sealed record Part(int Port, long Rows, bool IsDepthwise);

    private sealed class Chains
    {
        private readonly Graph.Graph _graph;
        private readonly Permissions? _permissions;
        private readonly HashSet<Value> _outputs;
        private readonly Dictionary<Node, List<(Node User, int Input)>> _users;
        private readonly Dictionary<Node, Part> _parts = [];

        /// <summary>The groups that are computed inside of another, each by the group that reads it.</summary>
        private readonly Dictionary<Node, Node> _before = [];

        public Chains(Graph.Graph graph, Permissions? permissions)
        {
            (_graph, _permissions, _users) = (graph, permissions, graph.Users());
            _outputs = [.. graph.Outputs.Select(o => o.Value)];
            foreach (Node node in graph.TopologicalOrder())
                if (PartOf(node) is { } part) _parts.Add(node, part);

            HashSet<Node> taken = [];
            foreach (Node depthwise in _parts.Keys.Where(n => _parts[n].IsDepthwise))
            {
                // Of its neighbours each that is free: one that ends the chain before stays there.
                Node before = depthwise.Inputs[_parts[depthwise].Port].Node;
                bool isJoined = IsLink(before, depthwise) && IsLarge(before) && taken.Add(before);
                if (isJoined) _before.Add(depthwise, before);

                // What comes row by row anyway is handed on so, however small it is.
                if (_users[depthwise] is [var after] && IsLink(depthwise, after.User) && (isJoined || IsLarge(depthwise)) && taken.Add(after.User))
                    _before.Add(after.User, depthwise);
            }
        }

        public Graph.Graph Rebuild()
        {
            if (_before.Count == 0) return _graph;
            GraphBuilder builder = new();
            Dictionary<Value, Value> replaced = [];
            HashSet<Node> inside = [.. _before.Values];
            foreach (Node node in _graph.TopologicalOrder())
            {
                if (inside.Contains(node)) continue;
                builder.CurrentName = _graph.Names.GetValueOrDefault(node);
                (Op op, IReadOnlyList<Value> inputs) = node.Op is Fused ? Whole(node) : (node.Op, [.. node.Inputs]);
                Node copy = builder.AddNode(op, [.. inputs.Select(v => v.IsNone ? v : replaced[v])]);
                for (int i = 0; i < node.OutputTypes.Length; i++) replaced[node[i]] = copy[i];
            }

            builder.CurrentName = null;
            return builder.Build(
                _graph.Name, _graph.Inputs.Select(p => p with { Value = replaced[p.Value] }), _graph.Outputs.Select(p => p with { Value = replaced[p.Value] }), _graph.Symbols);
        }

        /// <summary>A group with those before it inside, and what it reads then.</summary>
        private (Op Op, IReadOnlyList<Value> Inputs) Whole(Node node)
        {
            Fused group = (Fused)node.Op;
            if (!_before.TryGetValue(node, out Node? producer)) return (group, [.. node.Inputs]);
            GroupBody body = new(_graph.Symbols);
            Dictionary<Value, Value> replaced = [];
            for (int i = 0; i < node.Inputs.Length; i++)
            {
                Value inner = group.Body.Inputs[i].Value;
                if (i != _parts[node].Port)
                {
                    replaced[inner] = body.Port(node.Inputs[i]);
                    continue;
                }

                (Op before, IReadOnlyList<Value> read) = Whole(producer);
                Value[] given = [.. read.Select(body.Port)];
                body.Builder.CurrentName = _graph.Names.GetValueOrDefault(producer);
                replaced[inner] = body.Builder.Add(before, given);
            }

            foreach (Node member in group.Body.TopologicalOrder())
            {
                if (member.Op is Input) continue;
                body.Builder.CurrentName = group.Body.Names.GetValueOrDefault(member);
                Node copy = body.Builder.AddNode(member.Op, [.. member.Inputs.Select(v => v.IsNone ? v : replaced[v])]);
                for (int i = 0; i < member.OutputTypes.Length; i++) replaced[member[i]] = copy[i];
            }

            return (body.Build(replaced[group.Result], group.OutputLayout), body.Inputs);
        }

        private static Part? PartOf(Node node)
        {
            if (node.Op is not Fused { OutputLayout: { } layout, Root: { Op: Conv conv } root } group || layout != Blocked(layout)) return null;
            (Value x, Value w) = (root.Inputs[0], root.Inputs[1]);
            TensorType y = node.OutputTypes[0];
            if (y.Rank != 4 || y.Element != ElementType.Float32 || !y.IsStatic || !x.Type.IsStatic || !w.Type.IsStatic || y.Dims[0] != IndexExpr.One) return null;
            if (root.Inputs.Length > 3 && !root.Inputs[3].IsNone) return null;
            int port = group.Body.Inputs.ToList().FindIndex(p => p.Value == x);
            // What is convolved is read by nothing else in the group.
            if (port < 0 || node.Inputs[port].Type.Layout is not { } read || read != Blocked(read) || group.Members.Sum(m => m.Inputs.Count(v => v == x)) != 1) return null;
            Window window = conv.WindowOf(x.Type, w.Type);
            long rows = ((w.Type.Dims[2].Value - 1) * window.Dilations[0]) + 1;
            if (conv.IsDepthwise(x.Type, w.Type))
                return window.PadLow.Concat(window.PadHigh).All(p => p.IsConstant && p.Value >= 0) && window.PadLow[0].Value < rows ? new Part(port, rows, true) : null;
            bool isPointwise = conv.Group == 1 && w.Type.Dims.Skip(2).All(d => d == IndexExpr.One)
                && window.Strides.All(s => s == 1) && window.PadLow.Concat(window.PadHigh).All(p => p == IndexExpr.Zero);
            return isPointwise ? new Part(port, 1, false) : null;
        }

        /// <summary>The layout in blocks of channels with the halo that a layout has.</summary>
        private static Layout? Blocked(Layout layout) => layout.Levels.Length == 5
            ? Layout.Blocked(4, PackedLayouts.Panel, [layout.PadLow(2), layout.PadLow(3)], [layout.PadHigh(2), layout.PadHigh(3)])
            : null;

        /// <summary>True if one group may be computed inside the kernel of another.</summary>
        private bool IsLink(Node before, Node after) =>
            _parts.TryGetValue(before, out Part? from) && _parts.TryGetValue(after, out Part? to) && from.IsDepthwise != to.IsDepthwise
            && _permissions?.Of(before, _graph) == _permissions?.Of(after, _graph) && _users[before] is [var only] && only == (after, to.Port) && !_outputs.Contains(before[0]) && after[0].Type.Dims[2].Value >= LeastRows && RingBytes(before[0].Type, to.Rows) <= MostRingBytes;

        /// <summary>True if what a group gives does not stay near by itself.</summary>
        private static bool IsLarge(Node before) => before[0].Type.Count.Value * sizeof(float) >= LeastBytes;

        /// <summary>Some rows without the halo before and after them, which takes part in a ring as rows do.</summary>
        private static long RingBytes(TensorType type, long rows)
        {
            Layout layout = new([.. type.EffectiveLayout.Levels.Items.Select(l => l.Axis == 2 ? l with { PadLow = 0, PadHigh = 0 } : l)]);
            return layout.Length([.. type.Dims.Select((dim, axis) => axis == 2 ? rows : dim)]).Value * sizeof(float);
        }
    }
}
