using Lathe.Compiler.Graph;
using Lathe.Compiler.Lowering;
using Lathe.Compiler.Operators;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Lets accelerators whose precision is one of 16 bits have weights, and what their steps give each other, in 16 bits: kernels widen them as they read and round as they write. What is copied between such a device
/// and another one is copied in 16 bits, and rounded or widened by the kernel on the other side. Weights that a rule put into 16 bits are read so on any accelerator, which would have to widen them for every inference.
/// </summary>
public sealed class NarrowOnDevices : IPass
{
    /// <inheritdoc/>
    public bool RunsInBodies => false;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        CompileOptions options = context.Options;
        bool isAsked = PrecisionNames.WeightsOf(options.Precision) is not null || options.PrecisionRules.Count > 0 || options.DevicePrecisions != DevicePrecisions.None;
        return isAsked && (options.UsesOpenCl || options.IsHetero) ? new Narrowing(graph, context).Rebuild() : graph;
    }

    private sealed class Narrowing
    {
        private readonly Graph.Graph _graph;
        private readonly PassContext _context;
        private readonly Preparation _prepared;
        private readonly HashSet<Value> _outputs;
        private readonly Dictionary<Node, List<(Node User, int Input)>> _users;

        /// <summary>Results that lie in 16 bits, copies of them among them.</summary>
        private readonly Dictionary<Value, ElementType> _narrow = [];

        public Narrowing(Graph.Graph graph, PassContext context)
        {
            (_graph, _context, _users) = (graph, context, graph.Users());
            _prepared = context.Options.UsesOpenCl ? Preparation.None : Preparation.Of(graph);
            _outputs = [.. graph.Outputs.Select(o => o.Value)];
            foreach (Node node in graph.TopologicalOrder())
            {
                if (node.Op is Transfer) Copy(_narrow, node.Inputs[0], node[0]);
                else if (node.Op is Fused && StoredAs(node) is { } element) _narrow.Add(node[0], element);
            }
        }

        public Graph.Graph Rebuild()
        {
            GraphBuilder builder = new();
            Dictionary<Value, Value> replaced = [];
            foreach (Node node in _graph.TopologicalOrder())
            {
                builder.CurrentName = _graph.Names.GetValueOrDefault(node);
                Node copy = node.Op is Fused group ? builder.AddNode(Narrow(node, group, builder, replaced, out Value[] inputs), inputs) : builder.AddNode(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : replaced[v])]);
                for (int i = 0; i < node.OutputTypes.Length; i++) replaced[node[i]] = copy[i];
            }

            builder.CurrentName = null;
            return builder.Build(_graph.Name, _graph.Inputs.Select(p => p with { Value = replaced[p.Value] }), _graph.Outputs.Select(p => p with { Value = replaced[p.Value] }), _graph.Symbols);
        }

        private static void Copy(Dictionary<Value, ElementType> of, Value from, Value to)
        {
            if (of.TryGetValue(from, out ElementType element)) of.Add(to, element);
        }

        private string DeviceOf(Fused group) => _context.Options.UsesOpenCl ? _context.Options.Device : group.Device;

        /// <summary>The type of 16 bits in which a group's result lies: its device's, or that of all devices that it is copied to and read on; null for float32.</summary>
        private ElementType? StoredAs(Node node)
        {
            Fused group = (Fused)node.Op;
            if (node.OutputTypes[0].Element != ElementType.Float32 || _prepared.IsEverywhere(node[0])) return null;
            List<Fused> readers = [];
            if (!AreGroups(node[0], readers)) return null;
            if (_context.Options.StoredOn(DeviceOf(group)) is { } own) return own;
            ElementType?[] theirs = [.. readers.Select(r => _context.Options.StoredOn(DeviceOf(r))).Distinct()];
            return theirs is [{ } common] ? common : null;
        }

        /// <summary>True if a value and its copies are read by groups alone, element by element; collects them.</summary>
        private bool AreGroups(Value value, List<Fused> readers)
        {
            if (_outputs.Contains(value)) return false;
            foreach ((Node user, int input) in _users[value.Node])
            {
                if (user.Op is Transfer)
                {
                    if (!AreGroups(user[0], readers)) return false;
                }
                else if (user.Op is Fused group && StrideInputs.IsAddressed(group, input))
                {
                    readers.Add(group);
                }
                else
                {
                    return false;
                }
            }

            return true;
        }

        private Fused Narrow(Node node, Fused group, GraphBuilder builder, Dictionary<Value, Value> replaced, out Value[] inputs)
        {
            inputs = [.. node.Inputs.Select(v => replaced[v])];
            if (!_prepared.Has(node) && DeviceOf(group) != "CPU")
            {
                for (int i = 0; i < inputs.Length; i++)
                    if (NarrowWeights(node, group, i) is { } weights) inputs[i] = builder.Add(weights);
            }

            bool isNarrow = _narrow.TryGetValue(node[0], out ElementType element);
            bool[] isWidened = [.. inputs.Select((v, i) => v.Type.Element != node.Inputs[i].Type.Element)];
            if (!isNarrow && !isWidened.Contains(true)) return group;
            // What only moves elements moves those of 16 bits.
            bool moves = isNarrow && group.Members.All(m => m.Op.Role == OpRole.Movement && m.Inputs.All(v => v.IsNone || v.Type.Element != ElementType.Float32 || v.Constant is null))
                && inputs.Zip(node.Inputs).All(v => v.Second.Type.Element != ElementType.Float32 || v.First.Type.Element == element);
            return Body(group, inputs, moves ? null : isWidened, isNarrow && !moves ? element : null);
        }

        /// <summary>A group whose inputs have other element types than before.</summary>
        /// <param name="group">The group.</param>
        /// <param name="inputs">Its inputs.</param>
        /// <param name="isWidened">Which of them become float32 as they are read; null for none.</param>
        /// <param name="result">What the result is rounded to; null for nothing.</param>
        private Fused Body(Fused group, IReadOnlyList<Value> inputs, bool[]? isWidened, ElementType? result)
        {
            GroupBody body = new(_graph.Symbols);
            Dictionary<Value, Value> read = [], memory = [];
            for (int i = 0; i < inputs.Count; i++)
            {
                Value port = group.Body.Inputs[i].Value;
                memory[port] = body.Port(inputs[i]);
                read[port] = isWidened is not null && isWidened[i] ? body.Builder.Add(new Cast(ElementType.Float32), memory[port]) : memory[port];
            }

            foreach (Node member in group.Body.TopologicalOrder())
            {
                if (member.Op is Input) continue;
                body.Builder.CurrentName = group.Body.Names.GetValueOrDefault(member);
                Node copy;
                if (member.Op is Fused inner)
                {
                    // What a group inside reads is memory of the group around.
                    Value[] given = [.. member.Inputs.Select(v => memory[v])];
                    copy = body.Builder.AddNode(Body(inner, given, [.. member.Inputs.Select(v => read[v] != memory[v])], null), given);
                }
                else
                {
                    copy = body.Builder.AddNode(member.Op, [.. member.Inputs.Select(v => v.IsNone ? v : read[v])]);
                }

                for (int i = 0; i < member.OutputTypes.Length; i++) read[member[i]] = copy[i];
            }

            body.Builder.CurrentName = null;
            Value value = read[group.Result];
            return body.Build(result is { } element ? body.Builder.Add(new Cast(element), value) : value, group.OutputLayout) with { Device = group.Device };
        }

        /// <summary>Weights that a group on an accelerator reads as they are stored, in 16 bits; null for what is none, or stays as it is.</summary>
        private Constant? NarrowWeights(Node node, Fused group, int input)
        {
            Value value = node.Inputs[input];
            if (value.Type.Element != ElementType.Float32 || !StrideInputs.IsAddressed(group, input)) return null;
            // They were rounded, to be widened when the model is loaded.
            if (value.Op is Fused { Body: var body } widening && widening.Members.ToList() is [{ Op: Cast }] && value.Node.Inputs is [{ Op: Constant { Data.Element: ElementType.Float16 or ElementType.BFloat16 } stored }] && body.Inputs.Length == 1)
                return new Constant(stored.Data, value.Type.Layout);
            if (_context.Options.StoredOn(DeviceOf(group)) is not { } element || value.Op is not Constant { Data: var data, DataLayout: var layout } || data.Count < Passes.NarrowWeights.FewestElements) return null;
            if (FactorOf(group, input) is not { } product || _context.Precisions.RuleOf(product.Name ?? _graph.NameOf(node)) is not null) return null;
            return Passes.NarrowWeights.Rounded(data, element, product.Name ?? _graph.NameOf(node), product.Op, _context) is { } narrow ? new Constant(narrow, layout) : null;
        }

        /// <summary>The product of which an input of a group is a factor and nothing else; null if there is none.</summary>
        private static (string? Name, Op Op)? FactorOf(Fused group, int input)
        {
            Value port = group.Body.Inputs[input].Value;
            (string? Name, Op Op)? product = null;
            foreach (Node member in group.Members)
            {
                for (int i = 0; i < member.Inputs.Length; i++)
                {
                    if (member.Inputs[i] != port) continue;
                    (string? Name, Op Op)? here = member.Op is Fused inner ? FactorOf(inner, i) : Passes.NarrowWeights.IsFactor(member, i) ? (group.Body.Names.GetValueOrDefault(member), member.Op) : null;
                    if (here is null) return null;
                    product = here;
                }
            }

            return product;
        }
    }
}
