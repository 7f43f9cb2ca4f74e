using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Plans;
using ForLoop = Lathe.Compiler.Operators.Control.ForLoop;
using If = Lathe.Compiler.Operators.Control.If;

namespace Lathe.Compiler.Lowering;

/// <summary>
/// Turns a laid-out graph of groups into steps over buffers: shares kernels between groups of one computation, aliases what need not be copied,
/// plans the arena and packs the weights.
/// </summary>
public sealed partial class PlanBuilder
{
    private readonly List<PlannedKernel> _kernels = [];
    private readonly Dictionary<Computation, int> _kernelNumbers = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly List<PlanBuffer> _buffers = [];
    private readonly List<Action> _deferred = [];
    private readonly Dictionary<(Location, string), int> _bufferNumbers = [];
    private readonly List<Storage> _storages = [];
    private readonly MemoryStream _weights = new();
    private readonly Dictionary<(TensorData, Layout?), long> _packed = [];
    private readonly IReadOnlyList<IndexVar> _symbols;
    private readonly HashSet<IndexVar> _given;
    private readonly Dictionary<IndexVar, int> _computed = [];
    private readonly Preparation _prepared;
    private readonly IReadOnlyList<string> _accelerators;
    private readonly bool _isDivided;
    private int _step;

    private PlanBuilder(Graph.Graph graph, bool prepares, IReadOnlyList<string>? accelerators)
    {
        _prepared = prepares ? Lowering.Preparation.Of(graph) : Lowering.Preparation.None;
        (_accelerators, _isDivided) = (accelerators ?? [], accelerators is not null);
        _given = [.. graph.Inputs.SelectMany(i => i.Value.Type.Dims).SelectMany(d => d.Variables)];
        _symbols = [.. graph.Symbols.Where(_given.Contains), .. graph.Symbols.Where(s => !_given.Contains(s))];
    }

    /// <summary>Plans a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="prepares">False for a device that computes nothing of weights when a model is loaded: every group is then a step of an inference.</param>
    /// <param name="accelerators">The devices beside the CPU that groups are on; null for a model that is not divided.</param>
    public static PlannedModel Build(Graph.Graph graph, bool prepares, IReadOnlyList<string>? accelerators = null)
    {
        PlanBuilder builder = new(graph, prepares, accelerators);
        Dictionary<Value, Location> places = [];
        List<PlanTensor> inputs = [], outputs = [];
        for (int i = 0; i < graph.Inputs.Length; i++) places[graph.Inputs[i].Value] = new Location(BufferKind.Input, i, null, IndexExpr.Zero);

        List<Location> results = [.. graph.Outputs.Select((_, i) => new Location(BufferKind.Output, i, null, IndexExpr.Zero))];
        List<PlanStep> steps = builder.Lower(graph, places, results, builder.OrderOf(graph));
        IndexExpr[] arenas =
        [
            .. Enumerable.Range(0, builder._accelerators.Count + 1).Select(device =>
                MemoryPlanner.Place([.. builder._storages.Where(s => s.Device == device)], symbol => builder._computed.GetValueOrDefault(symbol))),
        ];
        foreach (Action action in builder._deferred) action();

        for (int i = 0; i < graph.Inputs.Length; i++) inputs.Add(builder.Tensor(graph.Inputs[i], places[graph.Inputs[i].Value]));
        for (int i = 0; i < graph.Outputs.Length; i++) outputs.Add(builder.Tensor(graph.Outputs[i], results[i]));
        return new PlannedModel(
            builder._kernels, builder._symbols, builder._given.Count, inputs, outputs, builder._buffers, steps, arenas[0], [.. builder._storages.Where(s => s.Device == 0)],
            builder._weights.ToArray(), builder._preparation, builder._preparedBytes)
        {
            Accelerators = [.. builder._accelerators.Select((name, i) => new PlanAccelerator(name, arenas[i + 1].ToSize(builder._symbols)))],
            Placed = builder._placed,
        };
    }

    private PlanTensor Tensor(GraphPort port, Location location)
    {
        RequireNumbers(port.Name, port.Value.Type);
        return new PlanTensor(
            port.Name,
            port.Value.Type.Element,
            [.. port.Value.Type.Dims.Select(d => d.ToSize(_symbols))],
            Buffer(location, Bytes(port.Value.Type)))
        {
            Strides = port.Value.Type.Layout is { } layout ? [.. layout.Levels.Items.Select(l => l.Stride is { } stride ? _symbols.ToList().IndexOf(stride) : -1)] : [],
        };
    }

    /// <summary>Buffers hold elements of a fixed size.</summary>
    private static void RequireNumbers(string name, TensorType type)
    {
        if (type.Element == ElementType.String)
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.UnsupportedType, null, $"'{name}'", type.Element.Name()));
    }

    /// <summary>True for a tensor without elements, which no step needs to compute.</summary>
    private static bool IsEmpty(TensorType type) => type.Dims.Any(d => d == IndexExpr.Zero);

    private List<PlanStep> Lower(Graph.Graph graph, Dictionary<Value, Location> places, IReadOnlyList<Location> results, IReadOnlyList<Node> order)
    {
        List<PlanStep> steps = [];
        Dictionary<Value, Location> fixedPlaces = [];
        for (int i = 0; i < results.Count; i++) fixedPlaces.TryAdd(graph.Outputs[i].Value, results[i]);
        PlaceConcatenations(graph, order, fixedPlaces);

        foreach (Node node in order)
        {
            foreach (TensorType type in node.OutputTypes) RequireNumbers(graph.NameOf(node), type);
            int before = steps.Count;
            switch (node.Op)
            {
                case Input: break;
                case Constant constant:
                    places[node[0]] = new Location(BufferKind.Weights, 0, null, Pack(constant.Data, constant.DataLayout));
                    break;
                case Fused fused when Alias(node, fused) is { } part && !fixedPlaces.ContainsKey(node[0]):
                    places[node[0]] = places[node.Inputs[0]] with { Offset = places[node.Inputs[0]].Offset + part };
                    break;
                case Fused fused when IsInPlace(node, fused, fixedPlaces):
                    places[node[0]] = fixedPlaces[node[0]];
                    break;
                case Fused fused when _prepared.Has(node):
                    Prepare(graph, node, fused, places);
                    break;
                case Fused when IsEmpty(node.OutputTypes[0]):
                    places[node[0]] = Place(node[0], fixedPlaces);
                    break;
                case Fused fused:
                    places[node[0]] = Place(node[0], fixedPlaces);
                    steps.Add(KernelStep(graph, node, fused, places));
                    break;
                case Transfer:
                    places[node[0]] = Place(node[0], fixedPlaces);
                    steps.Add(TransferStep(graph, node, places));
                    break;
                case View:
                    // The same memory, whoever reads it.
                    places[node[0]] = places[node.Inputs[0]];
                    break;
                case Measure measure:
                    places[node[0]] = places[node.Inputs[0]];
                    steps.Add(MeasureStep(graph, node, measure, places));
                    break;
                case var op when RoutineOf(node) is { } use:
                    foreach (int output in Enumerable.Range(0, node.OutputTypes.Length))
                        places[node[output]] = op.IsInPlace ? places[node.Inputs[0]] : Place(node[output], fixedPlaces);
                    steps.Add(RoutineStep(graph, node, use, places));
                    break;
                case ForLoop loop:
                    steps.Add(Loop(graph, node, loop, places, fixedPlaces));
                    break;
                case If choice:
                    steps.Add(Choose(graph, node, choice, places, fixedPlaces));
                    break;
                default: throw new DiagnosticException(new Diagnostic(DiagnosticTable.NotLowered, graph.NameOf(node), node.Op.Name, "it has neither a loop nest nor a routine"));
            }

            if (steps.Count > before && _subgraphs.GetValueOrDefault(node) is var subgraph and > 0) steps[^1] = steps[^1] with { Subgraph = subgraph };
        }

        return steps;
    }

    private Location Place(Value value, Dictionary<Value, Location> fixedPlaces)
    {
        if (fixedPlaces.TryGetValue(value, out Location? known)) return known;
        Storage storage = new(Bytes(value.Type)) { Device = DeviceOf(value.Node) };
        _storages.Add(storage);
        return new Location(BufferKind.Arena, 0, storage, IndexExpr.Zero);
    }

    /// <summary>
    /// A concatenation whose parts lie one after the other in its result needs no step: its inputs are written where they belong.
    /// </summary>
    private void PlaceConcatenations(Graph.Graph graph, IReadOnlyList<Node> order, Dictionary<Value, Location> fixedPlaces)
    {
        HashSet<Value> outputs = [.. graph.Outputs.Select(o => o.Value)];
        foreach (Node node in order.Reverse())
        {
            if (node.Op is not Fused fused || ContiguousParts(node, fused) is not { } offsets) continue;
            // Where a part lies must be known before any is written.
            if (node.OutputTypes[0].Dims.SelectMany(d => d.Variables).Any(s => !_given.Contains(s))) continue;
            if (node.Inputs.Any(v => v.Op is not (Fused or Transfer) || _prepared.Has(v.Node) || outputs.Contains(v) || fixedPlaces.ContainsKey(v) || IsAlias(v))) continue;
            if (node.Inputs.Distinct().Count() != node.Inputs.Length) continue;
            if (!fixedPlaces.TryGetValue(node[0], out Location? whole)) fixedPlaces[node[0]] = whole = Place(node[0], fixedPlaces);
            for (int i = 0; i < offsets.Length; i++) fixedPlaces[node.Inputs[i]] = whole with { Offset = whole.Offset + offsets[i] };
        }
    }

    private static bool IsAlias(Value value) => value.Op is Fused fused && Alias(value.Node, fused) is not null;

    private static bool IsInPlace(Node node, Fused fused, Dictionary<Value, Location> fixedPlaces)
    {
        if (ContiguousParts(node, fused) is not { } offsets || !fixedPlaces.TryGetValue(node[0], out Location? whole)) return false;
        for (int i = 0; i < offsets.Length; i++)
            if (!fixedPlaces.TryGetValue(node.Inputs[i], out Location? part) || part != whole with { Offset = whole.Offset + offsets[i] }) return false;
        return true;
    }

    /// <summary>Where the inputs of a concatenation begin in its result, in bytes, if each lies there as it does by itself; otherwise null.</summary>
    internal static IndexExpr[]? ContiguousParts(Node node, Fused fused)
    {
        if (fused.Members.ToList() is not [{ Op: Concat concat } member] || !member.Inputs.SequenceEqual(fused.Body.Inputs.Select(p => p.Value))) return null;
        TensorType whole = node.OutputTypes[0];
        Layout layout = whole.EffectiveLayout;
        int axis = (int)(concat.Axis < 0 ? concat.Axis + whole.Rank : concat.Axis);
        int level = layout.Levels.Items.ToList().FindIndex(l => l.Axis == axis);
        for (int i = 0; i < level; i++)
            if (Layout.LevelLength(layout.Levels[i], whole.Dims) != IndexExpr.One) return null;
        if (layout.Levels[level].PadLow != 0 || layout.Levels[level].PadHigh != 0) return null;

        IndexExpr stride = whole.Element.Size();
        for (int i = level + 1; i < layout.Levels.Length; i++) stride *= Layout.LevelLength(layout.Levels[i], whole.Dims);
        IndexExpr[] offsets = new IndexExpr[node.Inputs.Length];
        IndexExpr start = IndexExpr.Zero;
        for (int i = 0; i < offsets.Length; i++)
        {
            TensorType part = node.Inputs[i].Type;
            if (part.EffectiveLayout != layout || start % layout.Levels[level].Divisor != IndexExpr.Zero) return null;
            offsets[i] = start / layout.Levels[level].Divisor * stride;
            if ((offsets[i] % Plan.Alignment) is not { IsConstant: true, Constant: 0 }) return null;
            start += part.Dims[axis];
        }

        return offsets;
    }

    /// <summary>
    /// How many bytes into its only input a group's result begins if it is nothing but a part of it, in the same order, or another view of all of it; null if it is more.
    /// </summary>
    internal static IndexExpr? Alias(Node node, Fused fused)
    {
        if (fused.Members.Any(m => m.Op.Role != OpRole.Movement) || node.Inputs is not [{ Op: not Input } source] || source.Type.Element != node.OutputTypes[0].Element) return null;
        if (fused.Members.ToList() is [{ Op: Reshape or Flatten or Squeeze or Unsqueeze or Identity }]
            && source.Type.EffectiveLayout.IsRowMajor && node.OutputTypes[0].EffectiveLayout.IsRowMajor) return IndexExpr.Zero;
        if (node.OutputTypes[0].EffectiveLayout.Levels.Any(l => l.PadLow != 0 || l.PadHigh != 0)) return null;
        (Computation computation, _) = ComputationBuilder.Build(fused, [source.Type], node.OutputTypes[0], "");
        if (computation.Stages is not [{ Accumulators.Length: 0, Result: Access access } stage]) return null;
        IndexExpr start = access.Tensor.Offset([.. access.Indices]) - stage.Output.Offset([.. stage.Pure.Select(a => (IndexExpr)a.Variable)]);
        if (!start.IsConstant || start.Value < 0 || (start + stage.Output.Length - access.Tensor.Length).Range.Max > 0) return null;
        IndexExpr bytes = start * source.Type.Element.Size();
        return bytes.Value % Plan.Alignment == 0 ? bytes : null;
    }

    private int Share(Computation computation, Fused fused)
    {
        Computation nameless = computation with { Name = "" };
        if (_kernelNumbers.TryGetValue(nameless, out int known)) return known;
        string name = computation.Name;
        for (int i = 2; !_names.Add(name); i++) name = $"{computation.Name}_{i}";
        _kernels.Add(new PlannedKernel(name, computation with { Name = name }, ConvolutionAlgorithm.SignatureOf(fused.Root)));
        return _kernelNumbers[nameless] = _kernels.Count - 1;
    }

    private int Buffer(Location location, IndexExpr bytes)
    {
        (Location, string) key = (location, bytes.ToString());
        if (_bufferNumbers.TryGetValue(key, out int known)) return known;
        int number = _buffers.Count;
        _buffers.Add(new PlanBuffer(location.Kind, location.Index, 0, 0));
        // Offsets in the arena are known only once all storages are.
        void Fill()
        {
            SizeExpression offset = ((location.Storage?.Offset ?? IndexExpr.Zero) + location.Offset).ToSize(_symbols);
            _buffers[number] = new PlanBuffer(location.Kind, location.Index, offset, bytes.ToSize(_symbols)) { Device = location.Storage?.Device ?? 0 };
        }

        if (location.Storage is null) Fill();
        else _deferred.Add(Fill);
        return _bufferNumbers[key] = number;
    }

    private long Pack(TensorData data, Layout? layout)
    {
        if (_packed.TryGetValue((data, layout), out long known)) return known;
        long offset = (_weights.Length + Plan.Alignment - 1) / Plan.Alignment * Plan.Alignment;
        _weights.SetLength(offset);
        _weights.Position = offset;
        _weights.Write(WeightPacker.Pack(data, layout));
        return _packed[(data, layout)] = offset;
    }

    internal static IndexExpr Bytes(TensorType type) => type.EffectiveLayout.Length(type.Dims) * type.Element.Size();

    /// <summary>A place in a kind of memory.</summary>
    private sealed record Location(BufferKind Kind, int Index, Storage? Storage, IndexExpr Offset);
}
