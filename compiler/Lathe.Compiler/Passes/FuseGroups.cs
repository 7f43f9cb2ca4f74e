using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Gathers operators into groups that become one kernel each: an operator with the element-wise operators that follow it, and the maps that
/// feed a map, a reduction or a row operator. A group has one value that others read.
/// </summary>
public sealed class FuseGroups : IPass
{
    /// <summary>Expressions beyond this size are not fused further: they would be computed more often than memory would be read.</summary>
    private const int MaxExpression = 120;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) =>
        Fuse(graph, context.Options.Optimize, context.Permissions is { } permissions ? node => permissions.Of(node, graph) : _ => 0);

    /// <summary>Without <paramref name="fuse"/> every operator becomes a group of its own. What <paramref name="places"/> gives unequal numbers does not join.</summary>
    private static Graph.Graph Fuse(Graph.Graph graph, bool fuse, Func<Node, int> places)
    {
        Grouping grouping = new(graph, fuse, places);
        grouping.Grow();
        if (fuse) grouping.AbsorbMaps();
        return grouping.Rebuild();
    }

    /// <summary>Operators whose output has one element per element that they read.</summary>
    private static bool ReadsOnce(Node node) => node.Op.Role switch
    {
        OpRole.Elementwise => true,
        OpRole.Movement => true,
        _ => false,
    };

    private sealed class Group(Value root)
    {
        public Value Root { get; } = root;

        public Value Result { get; set; } = root;

        public List<Value> Members { get; } = [root];
    }

    private sealed class Grouping
    {
        private readonly Graph.Graph _graph;
        private readonly bool _fuse;
        private readonly Func<Node, int> _places;
        private readonly IReadOnlyList<Node> _order;
        private readonly Dictionary<Value, List<Node>> _users = [];
        private readonly HashSet<Value> _outputs;
        private readonly Dictionary<Value, Group> _groups = [];
        private readonly Dictionary<Value, int> _sizes = [];
        private readonly Dictionary<Node, int> _positions = [];

        public Grouping(Graph.Graph graph, bool fuse, Func<Node, int> places)
        {
            (_graph, _fuse, _places) = (graph, fuse, places);
            _order = graph.TopologicalOrder();
            _outputs = [.. graph.Outputs.Select(o => o.Value)];
            foreach (Node node in _order)
            {
                _positions[node] = _positions.Count;
                foreach (Value input in node.Inputs.Where(v => !v.IsNone).Distinct())
                {
                    if (!_users.TryGetValue(input, out List<Node>? users)) _users[input] = users = [];
                    users.Add(node);
                }
            }
        }

        /// <summary>Every value gets a group; element-wise users join it while one value of it is read by others.</summary>
        public void Grow()
        {
            // What belongs to its readers comes last, when these have their groups.
            foreach (Node node in _order.OrderBy(n => n.Op.BelongsToReaders))
            {
                if (node.Op.Role == OpRole.Opaque) continue;
                for (int output = 0; output < node.OutputTypes.Length; output++)
                {
                    Value value = node[output];
                    if (_groups.ContainsKey(value) || !(_outputs.Contains(value) || _users.ContainsKey(value))) continue;
                    Group group = new(value);
                    if (_fuse) GrowOne(group);
                    foreach (Value member in group.Members) _groups[member] = group;
                    // What was tried and did not join has not the size that it would have had.
                    _sizes.Clear();
                }
            }
        }

        /// <summary>A group that is a map and is read by one other group only is computed there, where each element is read about once.</summary>
        public void AbsorbMaps()
        {
            foreach (Node node in _order.Reverse())
            {
                foreach (Group group in Enumerable.Range(0, node.OutputTypes.Length).Select(i => node[i])
                             .Where(v => _groups.TryGetValue(v, out Group? g) && g.Result == v).Select(v => _groups[v]).ToList())
                {
                    if (!IsMap(group) || _outputs.Contains(group.Result)) continue;
                    List<Node> users = _users[group.Result];
                    if (users.Any(u => u.Op.Role == OpRole.Opaque || !_groups.ContainsKey(u[0]))) continue;
                    List<Group> readers = [.. users.SelectMany(u => UsedOutputs(u)).Select(v => _groups[v]).Distinct()];
                    if (readers is not [var reader] || reader == group || _places(reader.Root.Node) != _places(group.Root.Node)) continue;
                    if (!users.All(u => MayRead(u, group, reader)) || Size(group.Result) + Size(reader.Result) > MaxExpression) continue;
                    reader.Members.InsertRange(0, group.Members);
                    foreach (Value member in group.Members) _groups[member] = reader;
                    foreach (Value member in reader.Members) _sizes.Remove(member);
                }
            }
        }

        /// <summary>The graph in which every group is one node.</summary>
        public Graph.Graph Rebuild()
        {
            GraphBuilder builder = new();
            Dictionary<Value, Value> replaced = [];
            foreach (Group group in _groups.Values.Distinct()) group.Members.Sort((a, b) => Position(a).CompareTo(Position(b)));

            // A group stands where its result stood: everything that it reads comes before that.
            foreach (Node node in _order)
            {
                if (node.Op.Role == OpRole.Opaque)
                {
                    builder.CurrentName = _graph.Names.GetValueOrDefault(node);
                    Node copy = builder.AddNode(node.Op.MapBodies(body => Fuse(body, _fuse, _ => 0)), [.. node.Inputs.Select(v => v.IsNone ? v : replaced[v])]);
                    for (int i = 0; i < node.OutputTypes.Length; i++) replaced[node[i]] = copy[i];
                    continue;
                }

                for (int i = 0; i < node.OutputTypes.Length; i++)
                {
                    Value value = node[i];
                    if (_groups.TryGetValue(value, out Group? group) && group.Result == value) replaced[value] = Emit(group, builder, replaced);
                }
            }

            builder.CurrentName = null;
            return builder.Build(
                _graph.Name,
                _graph.Inputs.Select(p => p with { Value = replaced[p.Value] }),
                _graph.Outputs.Select(p => p with { Value = replaced[p.Value] }),
                _graph.Symbols);
        }

        private (int, int) Position(Value value) => (_positions[value.Node], value.Output);

        private IEnumerable<Value> UsedOutputs(Node node) =>
            Enumerable.Range(0, node.OutputTypes.Length).Select(i => node[i]).Where(v => _groups.ContainsKey(v));

        private void GrowOne(Group group)
        {
            List<Value> members = [group.Root];
            HashSet<Value> inside = [group.Root];
            SortedSet<(int Position, int Id)> seen = [];
            SortedDictionary<int, Node> candidates = [];
            AddCandidates(group.Root);
            while (candidates.Count > 0)
            {
                (int position, Node node) = candidates.First();
                candidates.Remove(position);
                if (node.Op.Role != OpRole.Elementwise || node.OutputTypes.Length != 1 || _groups.ContainsKey(node[0])) continue;
                if (node.OutputTypes[0].Dims != group.Root.Type.Dims || _places(node) != _places(group.Root.Node)) continue;
                // A member that is broadcast would be read at another place than it is computed.
                if (node.Inputs.Any(v => inside.Contains(v) && v.Type.Dims != group.Root.Type.Dims)) continue;
                if (SizeOf(node) > MaxExpression || (ReadsTable(node) && !IsMap(group))) continue;
                members.Add(node[0]);
                inside.Add(node[0]);
                AddCandidates(node[0]);
            }

            for (int length = members.Count; length > 1; length--)
            {
                HashSet<Value> kept = [.. members.Take(length)];
                List<Value> escaping = [.. members.Take(length).Where(v => _outputs.Contains(v) || _users.GetValueOrDefault(v, []).Any(u => !kept.Contains(u[0])))];
                if (escaping is not [var result] || result != members[length - 1]) continue;
                group.Members.Clear();
                group.Members.AddRange(members.Take(length));
                group.Result = result;
                return;
            }

            void AddCandidates(Value value)
            {
                foreach (Node user in _users.GetValueOrDefault(value, []))
                    if (seen.Add((_positions[user], user.Id))) candidates.TryAdd(_positions[user], user);
            }
        }

        private bool MayRead(Node user, Group group, Group reader)
        {
            if (user.Inputs.Where((v, i) => v == group.Result && (user.Op.ReadsAtData(i) || user.Op.WordAxis(i) is not null)).Any()) return false;
            if (user.Op.Role is OpRole.Contraction) return false;
            // What is joined is copied run by run; to turn it by blocks, or to read it several times, it has to be one piece.
            if ((user.Op.PartsNeighbours || reader.Root.Op.Role is OpRole.Rows) && group.Members.Any(m => m.Op.Role is OpRole.Movement && m.Node.Inputs.Length > 1)) return false;
            // Rows are read several times: what lies far apart is brought together once.
            if (reader.Root.Op.Role is OpRole.Rows && group.Members.Any(m => m.Op.MovesFar)) return false;
            if (user.Op.Role is OpRole.Rows) return Size(group.Result) <= 8;
            // A reduction over a window reads an element several times; one over axes once.
            if (user.Op.Role is OpRole.Reduction) return user.Op.Name.StartsWith("Reduce", StringComparison.Ordinal) || user.Op.Name.StartsWith("Arg", StringComparison.Ordinal);
            if (!ReadsOnce(user)) return false;
            bool rootReduces = !IsMap(reader);
            if (rootReduces && group.Members.Any(m => ReadsTable(m.Node))) return false;
            // What is read in the epilogue of a reduction must not hold up its inner loop: only cheap maps go there.
            if (rootReduces && Size(group.Result) > 8) return false;
            // A border is written, not read.
            if (user.Op.IsBorder) return true;
            IndexExpr read = group.Result.Type.Count, written = user.OutputTypes.Aggregate(IndexExpr.Zero, (sum, t) => sum + t.Count);
            return (written - read).Range.Max <= 0;
        }

        /// <summary>True for an element-wise operator that reads at places which data give: in the tile of a product there is no vector for that.</summary>
        private static bool ReadsTable(Node node) => node.Op.Role == OpRole.Elementwise && Enumerable.Range(0, node.Inputs.Length).Any(node.Op.ReadsAtData);

        private static bool IsMap(Group group) => group.Members.All(m => m.Op.Role is OpRole.Elementwise or OpRole.Movement);

        /// <summary>How many operators an element of a value costs, counted as a tree, since that is what substitution makes of it.</summary>
        private int Size(Value value)
        {
            if (!_groups.TryGetValue(value, out Group? group)) return 1;
            if (_sizes.TryGetValue(value, out int known)) return known;
            int size = 1;
            foreach (Value input in value.Node.Inputs)
                if (!input.IsNone && _groups.TryGetValue(input, out Group? other) && other == group) size = Math.Min(size + Size(input), MaxExpression * 2);
            return _sizes[value] = size;
        }

        private int SizeOf(Node node)
        {
            int size = 1;
            foreach (Value input in node.Inputs.Where(v => !v.IsNone))
                size = Math.Min(size + (!_groups.ContainsKey(input) && _sizes.TryGetValue(input, out int known) ? known : 1), MaxExpression * 2);
            return _sizes[node[0]] = size;
        }

        private Value Emit(Group group, GraphBuilder outer, Dictionary<Value, Value> replaced)
        {
            GroupBody body = new(_graph.Symbols);
            Dictionary<Value, Value> inside = [];
            HashSet<Value> members = [.. group.Members];
            foreach (Value member in group.Members)
            {
                foreach (Value input in member.Node.Inputs)
                {
                    if (input.IsNone || inside.ContainsKey(input) || members.Contains(input)) continue;
                    inside[input] = input.Constant is { Count: 1 } scalar ? body.Builder.Constant(scalar) : body.Port(input);
                }

                body.Builder.CurrentName = _graph.Names.GetValueOrDefault(member.Node);
                inside[member] = body.Builder.AddNode(member.Op, [.. member.Node.Inputs.Select(v => v.IsNone ? v : inside[v])])[member.Output];
            }

            outer.CurrentName = _graph.NameOf(group.Result.Node);
            return outer.Add(body.Build(inside[group.Result]), [.. body.Inputs.Select(v => replaced[v])]);
        }
    }
}
