using System.Diagnostics.CodeAnalysis;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Gives every value its layout: activations of convolutions and what works on them in blocks of 16 channels, with a halo of zeros where a
/// convolution pads, weights packed, the rest row-major. Conversions become <see cref="Reorder"/>s. Any choice is correct, since kernels address
/// tensors through their layouts; the choices here are those for which there are fast schedules.
/// </summary>
public sealed class AssignLayouts : IPass
{
    /// <summary>Channels in a block; a multiple of every vector length in use.</summary>
    public const long Block = PackedLayouts.Panel;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Assign(graph);

    private static Graph.Graph Assign(Graph.Graph graph) => new Assignment(graph).Rebuild();

    private sealed class Assignment
    {
        private readonly Graph.Graph _graph;
        private readonly IReadOnlyList<Node> _order;
        private readonly HashSet<Value> _outputs;
        private readonly Dictionary<Node, List<(Node User, int Input)>> _users;
        private readonly Dictionary<Value, (long[] Low, long[] High)> _halos = [];
        private readonly Dictionary<Value, bool> _blocked = [];
        private readonly GraphBuilder _builder = new();
        private readonly Dictionary<Value, Value> _replaced = [];
        private readonly Dictionary<(Value, Layout?), Value> _reordered = [];

        public Assignment(Graph.Graph graph)
        {
            _graph = graph;
            _order = graph.TopologicalOrder();
            _outputs = [.. graph.Outputs.Select(o => o.Value)];
            _users = graph.Users();
            foreach (Node node in _order) ChooseBlocked(node);
            foreach (Node node in _order.Reverse()) CollectHalos(node);
        }

        public Graph.Graph Rebuild()
        {
            foreach (Node node in _order)
            {
                _builder.CurrentName = _graph.Names.GetValueOrDefault(node);
                if (node.Op is Fused fused)
                {
                    Value[] inputs = [.. node.Inputs.Select((v, i) => Prepared(node, fused, i))];
                    _replaced[node[0]] = _builder.Add(fused with { OutputLayout = LayoutOf(node[0]) }, inputs);
                    continue;
                }

                // Control flow, inputs and constants speak row-major.
                Node copy = _builder.AddNode(node.Op.MapBodies(Assign), [.. node.Inputs.Select(v => v.IsNone ? v : InLayout(v, null))]);
                for (int i = 0; i < node.OutputTypes.Length; i++) _replaced[node[i]] = copy[i];
            }

            List<GraphPort> outputs = [];
            HashSet<Value> taken = [];
            foreach (GraphPort port in _graph.Outputs)
            {
                _builder.CurrentName = _graph.NameOf(port.Value.Node);
                Value value = InLayout(port.Value, null);
                // An output is memory of its own: what is an input, a constant or another output already is copied.
                if (value.Op is Input or Constant || value.Op.IsInPlace || !taken.Add(value)) value = Copy(value, outputs.Count);
                outputs.Add(port with { Value = value });
            }

            _builder.CurrentName = null;
            return _builder.Build(_graph.Name, _graph.Inputs.Select(p => p with { Value = _replaced[p.Value] }), outputs, _graph.Symbols);
        }

        /// <summary>A group that copies; the number keeps copies of one value apart.</summary>
        private Value Copy(Value value, int number)
        {
            GraphBuilder body = new();
            Value input = body.Add(new Input($"x{number}", value.Type with { Layout = null }));
            Value copy = body.Add(new Reorder(null), input);
            return _builder.Add(new Fused(body.Build("", [new GraphPort("x0", input)], [new GraphPort("y", copy)], _graph.Symbols)), value);
        }

        private static bool CanBlock(TensorType type) =>
            type.Rank is >= 3 and <= 5 && type.Element is ElementType.Float32 or ElementType.Int32 or ElementType.UInt8 or ElementType.Int8 && type.Dims[1].IsConstant;

        private bool IsBlocked(Value value) => _blocked.GetValueOrDefault(value);

        private void ChooseBlocked(Node node)
        {
            if (node.Op is not Fused fused || !CanBlock(node.OutputTypes[0])) return;
            TensorType output = node.OutputTypes[0];
            Node root = fused.Root;
            bool blocked = root.Op switch
            {
                WinogradConv or ConvOfBytes or DepthwiseConvOfBytes => true,
                Conv conv => (IsPlainConvolution(root, conv) && !GoesByRows(node, fused, root, conv)) || conv.IsDepthwise(root.Inputs[0].Type, root.Inputs[1].Type),
                // Whole blocks become elements of one block each.
                DepthToSpace { Mode: "DCR" } => Port(fused, root.Inputs[0]) is { } port && IsBlocked(node.Inputs[port]) && output.Dims[1].Value % Block == 0,
                // What brings together what lies apart does so best between rows.
                _ when MovesFar(fused) => false,
                Concat { } => node.Inputs.All(v => SameRank(v, output) && IsBlocked(v) && v.Type.Dims[1].Value % Block == 0) && node.Inputs.Length > 0,
                // Neighbouring channels are neighbouring vectors only where they are no lanes.
                LRN => false,
                PoolOperator when output.Dims[1].Value >= Block / 2 => true,
                // Of the operators with rows only that with one per channel has blocks: their channels are the lanes.
                _ when root.Op.Role is OpRole.Contraction || (root.Op.Role is OpRole.Rows && root.Op is not InstanceNormalization) => false,
                _ => node.Inputs.Any(v => IsBlocked(v) && SameRank(v, output) && v.Type.Dims[0] == output.Dims[0] && v.Type.Dims[1] == output.Dims[1]),
            };

            // A map that only the caller reads is written as the caller wants it.
            if (root.Op.Role is OpRole.Elementwise or OpRole.Movement && _outputs.Contains(node[0]) && _users[node].Count == 0) blocked = false;
            _blocked[node[0]] = blocked;
        }

        private static bool IsProduct(Op op) => op is MatMul or Gemm or MatMulOfBytes or MatMulOfHalves;

        private static bool MovesFar(Fused fused) => fused.Members.All(m => m.Op.Role is OpRole.Elementwise or OpRole.Movement) && fused.Members.Any(m => m.Op.MovesFar);

        private static bool SameRank(Value value, TensorType output) => value.Type.Rank == output.Rank;

        private static bool IsPlainConvolution(Node root, Conv conv) => conv.Group == 1 && root.Inputs[1].Constant is null;

        /// <summary>
        /// True for a convolution of so few filters that lanes along a row of the output, with input and output row-major, take less than lanes along a block of
        /// channels that is mostly empty, what it takes to bring the input there included.
        /// </summary>
        private bool GoesByRows(Node node, Fused fused, Node root, Conv conv)
        {
            (TensorType x, TensorType w) = (root.Inputs[0].Type, root.Inputs[1].Type);
            Window window = conv.WindowOf(x, w);
            // Pixels of an image that is read as it lies are no neighbours.
            if (!w.IsStatic || root.Inputs[0].Op is Transpose or Slice || window.Strides.Any(s => s != 1) || window.Output[^1] is not { IsConstant: true, Value: >= Block } width) return false;
            double products = IndexExpr.Product(w.Dims.Skip(1)).Value, empty = (double)IndexExpr.CeilDiv(width, Block).Value * Block / width.Value;
            double blocks = products * IndexExpr.CeilDiv(w.Dims[0], Block).Value * Block, rows = products * w.Dims[0].Value * empty;
            bool isMoved = Port(fused, root.Inputs[0]) is not { } port || IsBlocked(node.Inputs[port]);
            return rows + (isMoved ? x.Dims[1].Value * CyclesPerMoved * Machine.Avx512.ProductsPerCycle : 0) < blocks * 0.8;
        }

        /// <summary>What a core takes to bring an element from blocks into rows: as measured.</summary>
        private const double CyclesPerMoved = 0.6;

        private void CollectHalos(Node node)
        {
            if (node.Op is not Fused fused) return;
            if (WindowOf(fused.Root) is { } window && Port(fused, fused.Root.Inputs[0]) is { } port && CanBlock(node.Inputs[port].Type))
            {
                Raise(node.Inputs[port], Constants(window.PadLow), Constants(window.PadHigh));
            }

            if (fused.Root is { Op: WinogradConv winograd } tiled && Port(fused, tiled.Inputs[0]) is { } image)
            {
                (TensorType x, TensorType u) = (tiled.Inputs[0].Type, tiled.Inputs[1].Type);
                Raise(node.Inputs[image], [.. winograd.Pads.Take(2)], [winograd.Beyond(x, u, 0), winograd.Beyond(x, u, 1)]);
            }

            // A concatenation that is made in place has inputs of its own layout.
            if (fused.Members.ToList() is [{ Op: Concat }] && IsBlocked(node[0]) && _halos.TryGetValue(node[0], out (long[] Low, long[] High) halo))
                foreach (Value input in node.Inputs.Where(IsBlocked)) Raise(input, halo.Low, halo.High);
        }

        /// <summary>How the windows of a convolution lie; null for what is none.</summary>
        private static Window? WindowOf(Node root) => root.Op switch
        {
            Conv conv => conv.WindowOf(root.Inputs[0].Type, root.Inputs[1].Type),
            ConvOfBytes conv => conv.WindowOf(root.Inputs[0].Type, root.Inputs[1].Type),
            DepthwiseConvOfBytes conv => conv.WindowOf(root.Inputs[0].Type, root.Inputs[1].Type),
            SumOfBytes sum => sum.WindowOf(root.Inputs[0].Type),
            _ => null,
        };

        /// <summary>Paddings that depend on named dims get no halo: reads are guarded there.</summary>
        private static long[] Constants(EquatableArray<IndexExpr> pads) => [.. pads.Select(p => p.IsConstant ? Math.Max(0, p.Value) : 0)];

        private void Raise(Value value, long[] low, long[] high)
        {
            if (_halos.TryGetValue(value, out (long[] Low, long[] High) known))
                (low, high) = ([.. low.Zip(known.Low, Math.Max)], [.. high.Zip(known.High, Math.Max)]);
            _halos[value] = (low, high);
        }

        /// <summary>Which input of the group a value of its body is.</summary>
        private static int? Port(Fused fused, Value value)
        {
            for (int i = 0; i < fused.Body.Inputs.Length; i++)
                if (fused.Body.Inputs[i].Value == value) return i;
            return null;
        }

        private Layout? LayoutOf(Value value) =>
            value.Op is Fused { Root.Op: SumOfBytes { Parts: > 1 } } ? Layout.ChannelsLast(value.Type.Rank)
            : IsBlocked(value) ? BlockedWithHalo(value)
            : IsReadAsWords(value) ? value.Type.Element == ElementType.Int32 ? RowsWithHalo(value) : WordsWithHalo(value)
            : null;

        /// <summary>True for few channels that are read as words and as nothing else.</summary>
        private bool IsReadAsWords(Value value) => value.Op is Fused && !_outputs.Contains(value) && _users[value.Node] is { Count: > 0 } users
            && users.All(u => u.User.Op is Fused { Root: { Op: ConvOfBytes or SumOfBytes } root } reader && Port(reader, root.Inputs[0]) == u.Input);

        private Layout BlockedWithHalo(Value value)
        {
            (long[] low, long[] high) = _halos.GetValueOrDefault(value, ([], []));
            return Layout.Blocked(value.Type.Rank, Block, low, high);
        }

        /// <summary>An input of a group in the layout that the group's schedule wants.</summary>
        private Value Prepared(Node node, Fused fused, int port)
        {
            Value value = node.Inputs[port], inner = fused.Body.Inputs[port].Value, output = node[0];
            Node root = fused.Root;
            if (fused.Members.Any(m => m.Inputs.Where((v, i) => v == inner && m.Op.ReadsAtData(i)).Any())) return InLayout(value, null);
            if (ReadsRows(node, fused, value)) return InLayout(value, null);
            if (root.Op is PoolOperator && inner == root.Inputs[0] && IsBlocked(node[0])) return InLayout(value, BlockedWithHalo(value));
            if (root.Op is Conv conv && CanBlock(output.Type))
            {
                bool depthwise = conv.IsDepthwise(root.Inputs[0].Type, root.Inputs[1].Type);
                if (!IsBlocked(node[0]) && inner == root.Inputs[0] && IsPlainConvolution(root, conv)) return InLayout(value, RowsWithHalo(value));
                if (IsBlocked(node[0]))
                {
                    if (inner == root.Inputs[0]) return InLayout(value, ConvolutionInput(value, depthwise));
                    if (inner == root.Inputs[1]) return Packed(value, ConvolutionWeights(value.Type.Rank, depthwise, ReadsBlocks(node, fused, root)));
                }
            }

            if (root.Op is ConvOfBytes or SumOfBytes && inner == root.Inputs[0]) return InLayout(value, value.Type.Element == ElementType.Int32 ? RowsWithHalo(value) : WordsWithHalo(value));
            if (root.Op is ConvOfBytes && inner == root.Inputs[1]) return Packed(value, ConvolutionWeightsOfBytes(value, node.Inputs[Port(fused, root.Inputs[0])!.Value]));
            if (root.Op is DepthwiseConvOfBytes && inner == root.Inputs[0]) return InLayout(value, BlockedWithHalo(value));
            if (root.Op is DepthwiseConvOfBytes && inner == root.Inputs[1]) return Packed(value, PackedLayouts.DepthwiseWeights(value.Type.Rank));
            if (root.Op is WinogradConv && inner == root.Inputs[0]) return InLayout(value, BlockedWithHalo(value));
            if (root.Op is WinogradConv && inner == root.Inputs[1]) return Packed(value, PackedLayouts.WinogradWeights);
            if (root.Op is MatMulOfBytes && inner == root.Inputs[0]) return InLayout(value, null);
            if (IsProduct(root.Op) && inner == root.Inputs[1] && IsWeight(value) && value.Type.Rank == 2)
                return Packed(value, PackedLayouts.MatMulWeights(root.Op is Gemm { TransB: true } or MatMulOfHalves { TransB: true }));

            // A constant per channel is padded to whole blocks, so that whole vectors may be read.
            bool channels = IsBlocked(output);
            if (value.Constant is not null && value.Type.Element is ElementType.Float32 or ElementType.Int32 && root.Op.Role is OpRole.Contraction or OpRole.Elementwise or OpRole.Reduction)
            {
                int axis = inner == (root.Inputs.Length > 2 ? root.Inputs[2] : Value.None) && (root.Op is Conv or WinogradConv or ConvOfBytes or DepthwiseConvOfBytes || IsProduct(root.Op))
                    ? value.Type.Rank - 1
                    : channels ? 1 - (output.Type.Rank - value.Type.Rank) : value.Type.Rank - 1;
                if (axis >= 0 && axis < value.Type.Rank && value.Type.Dims[axis].Value > 1 && (channels || IsProduct(root.Op)))
                    return Packed(value, PackedLayouts.Channels(value.Type.Rank, axis));
                return InLayout(value, null);
            }

            // What an epilogue reads next to blocked results is blocked too.
            if (channels && value.Type.Dims == output.Type.Dims && !IsBlocked(value) && root.Op.Role != OpRole.Movement)
                return InLayout(value, Layout.Blocked(value.Type.Rank, Block));
            return _replaced[value];
        }

        /// <summary>
        /// True where a row-major result reads its inputs best row-major: blocks are transposed faster than they are read across, unless only a small part of them is, or
        /// what follows would turn them back.
        /// </summary>
        private bool ReadsRows(Node node, Fused fused, Value value) => !IsBlocked(node[0]) && (fused.Root.Op is LRN || fused.Root.Op.Role is OpRole.Rows
            || (fused.Root.Op.Role is OpRole.Elementwise or OpRole.Movement && !fused.Members.Any(m => m.Op.PartsNeighbours) && (value.Type.Count - (node.OutputTypes[0].Count * 2)).Range.Max <= 0));

        private bool ReadsBlocks(Node node, Fused fused, Node root) =>
            !FewChannels(root.Inputs[0].Type) || (Port(fused, root.Inputs[0]) is { } port && IsBlocked(node.Inputs[port]));

        private static Layout ConvolutionWeights(int rank, bool depthwise, bool readsBlocks) =>
            depthwise ? PackedLayouts.DepthwiseWeights(rank)
            : readsBlocks ? PackedLayouts.ConvolutionWeights(rank)
            : PackedLayouts.ConvolutionWeightsOfRowMajor(rank);

        /// <summary>Bytes with channels in blocks of a panel, or in words where there are few.</summary>
        private Layout? WordsWithHalo(Value value)
        {
            (long[] low, long[] high) = _halos.GetValueOrDefault(value, ([], []));
            return Layout.Blocked(value.Type.Rank, BlockOfWords(value), low, high);
        }

        private long BlockOfWords(Value value) => IsBlocked(value) || value.Type.Dims[1].Value > Block / 2 ? Block : 4;

        private Layout ConvolutionWeightsOfBytes(Value weights, Value read) => read.Type.Element == ElementType.UInt8 && BlockOfWords(read) == Block
            ? PackedLayouts.ConvolutionWeightsOfBytes(weights.Type.Rank)
            : PackedLayouts.ConvolutionWeightsOfRowMajor(weights.Type.Rank);

        private static bool FewChannels(TensorType type) => type.Dims[1].IsConstant && type.Dims[1].Value < Block;

        private Layout? ConvolutionInput(Value value, bool depthwise)
        {
            if (IsBlocked(value)) return LayoutOf(value);
            return depthwise || !FewChannels(value.Type) ? BlockedWithHalo(value) : RowsWithHalo(value);
        }

        private Layout? RowsWithHalo(Value value)
        {
            (long[] low, long[] high) = _halos.GetValueOrDefault(value, ([], []));
            bool halo = low.Any(p => p > 0) || high.Any(p => p > 0);
            return halo ? new Layout([.. Enumerable.Range(0, value.Type.Rank).Select(a => a < 2 ? new LayoutLevel(a) : new LayoutLevel(a, PadLow: low[a - 2], PadHigh: high[a - 2]))]) : null;
        }

        private Value Packed(Value value, Layout layout)
        {
            if (value.Constant is { } data) return _builder.Add(new Constant(data, layout));
            if (!IsOfConstant(value, out Fused? made, out TensorData? from)) return _replaced[value];
            // What is made of weights when the model is loaded: element by element they lie alike, for a transform they lie with its result's fastest axis together.
            Layout source = made.Root.Op is WinogradWeights ? PackedLayouts.ConvolutionWeightsOfRowMajor(from.Dims.Length) : layout;
            return _builder.Add(made with { OutputLayout = layout }, [_builder.Add(new Constant(from, source)), .. value.Node.Inputs.Skip(1).Select(v => _replaced[v])]);
        }

        /// <summary>True for weights: constants, and what is made of one.</summary>
        private static bool IsWeight(Value value) => value.Constant is not null || IsOfConstant(value, out _, out _);

        private static bool IsOfConstant(Value value, [NotNullWhen(true)] out Fused? made, [NotNullWhen(true)] out TensorData? from)
        {
            (made, from) = (null, null);
            if (value.Op is not Fused group || group.Members.ToList() is not [{ Op: Cast or WinogradWeights }] || value.Node.Inputs is not [{ Constant: { } data }, ..]) return false;
            (made, from) = (group, data);
            return true;
        }

        private Value InLayout(Value value, Layout? layout)
        {
            Value current = _replaced[value];
            if (current.Type.Layout == layout) return current;
            if (_reordered.TryGetValue((value, layout), out Value known)) return known;
            if (value.Constant is { } data) return _reordered[(value, layout)] = _builder.Add(new Constant(data, layout));
            GraphBuilder body = new();
            Value input = body.Add(new Input("x0", value.Type with { Layout = null }));
            Value moved = body.Add(new Reorder(null), input);
            Graph.Graph graph = body.Build("", [new GraphPort("x0", input)], [new GraphPort("y", moved)], _graph.Symbols);
            return _reordered[(value, layout)] = _builder.Add(new Fused(graph, layout), current);
        }
    }
}
