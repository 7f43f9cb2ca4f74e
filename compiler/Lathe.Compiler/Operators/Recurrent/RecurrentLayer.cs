using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Control;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Range = Lathe.Compiler.Operators.Shapes.Range;

namespace Lathe.Compiler.Operators.Recurrent;

/// <summary>The next states from the states and the element of the projected input, all <c>[batch, …]</c>; the first state is the output.</summary>
internal delegate Value[] Cell(GraphBuilder g, Value x, Value[] states);

/// <summary>
/// What ONNX's RNN, GRU and LSTM share: directions, layouts, sequence lengths, states. The product of the whole sequence with the input's weights is done before
/// the loop over time, in which only the product with the state remains. Shapes are those of layout 0, <c>[length, batch, …]</c>.
/// </summary>
internal sealed class RecurrentLayer
{
    private readonly OnnxNode _node;
    private readonly GraphBuilder _g;
    private readonly int _gates;
    private readonly bool _batchFirst;
    private readonly string _direction;
    private readonly Value _x;

    /// <summary>Reads a node.</summary>
    /// <param name="node">The node: x, w, r, b, lengths, initial state in this order.</param>
    /// <param name="g">Where nodes are made.</param>
    /// <param name="gates">How many matrices the weights are made of.</param>
    public RecurrentLayer(OnnxNode node, GraphBuilder g, int gates)
    {
        (_node, _g, _gates) = (node, g, gates);
        long layout = AttributeReader.Get(node, "layout", 0L);
        if (layout is not (0 or 1)) throw AttributeReader.Wrong(node, "layout", $"it is {layout}");
        _batchFirst = layout == 1;
        _direction = AttributeReader.Get(node, "direction", "forward");
        if (_direction is not ("forward" or "reverse" or "bidirectional")) throw AttributeReader.Wrong(node, "direction", $"'{_direction}' is unknown");
        Directions = _direction == "bidirectional" ? 2 : 1;
        Element = node.Inputs[0].Type.Element;
        if (!Element.IsFloat()) throw node.Bad($"its input is {node.Inputs[0].Type}");
        _x = _batchFirst ? g.Add(new Transpose((long[])[1, 0, 2]), Checked(0, 3)) : Checked(0, 3);

        IndexExpr hidden = Checked(2, 3).Type.Dims[2];
        if (!hidden.IsConstant) throw node.Bad($"its recurrent weights are {node.Inputs[2].Type}");
        Hidden = hidden.Value;
        Require(1, Directions, gates * Hidden, _x.Type.Dims[2]);
        Require(2, Directions, gates * Hidden, Hidden);
        if (node.Has(3)) Require(3, Directions, 2 * gates * Hidden);
        if (node.Has(4) && (node.Inputs[4].Type.Element != ElementType.Int32 || node.Inputs[4].Type.Rank != 1)) throw node.Bad($"its lengths are {node.Inputs[4].Type}");
        if (AttributeReader.Get(node, "hidden_size", Hidden) != Hidden) throw AttributeReader.Wrong(node, "hidden_size", $"the weights say {Hidden}");
    }

    /// <summary>1 or 2.</summary>
    public int Directions { get; }

    /// <summary>The size of the state.</summary>
    public long Hidden { get; }

    /// <summary>The element type.</summary>
    public ElementType Element { get; }

    private IndexExpr Length => _x.Type.Dims[0];

    private IndexExpr Batch => _x.Type.Dims[1];

    /// <summary>A slice of a direction's part of an optional input.</summary>
    /// <param name="input">The input: <c>[directions, …]</c>.</param>
    /// <param name="direction">The direction.</param>
    /// <param name="from">Where the slice begins on axis 1.</param>
    /// <param name="to">Where it ends.</param>
    public Value Part(int input, int direction, long from, long to) =>
        Apply(new Squeeze([0]), Apply(new Slice([direction, from], [direction + 1, to], [0, 1]), _node.Inputs[input]));

    /// <summary>The recurrent weights of some gates of a direction, as the right side of a product with the state.</summary>
    public Value Recurrent(int direction, int gate, int count = 1) =>
        Apply(new Transpose((long[])[1, 0]), Part(2, direction, gate * Hidden, (gate + count) * Hidden));

    /// <summary>The bias of the recurrent product of a gate; none if the node has no bias.</summary>
    public Value RecurrentBias(int direction, int gate) =>
        _node.Has(3) ? Part(3, direction, (_gates + gate) * Hidden, (_gates + gate + 1) * Hidden) : Value.None;

    /// <summary>A value limited as the node says.</summary>
    public Value Limit(GraphBuilder g, Value x)
    {
        float clip = AttributeReader.Get(_node, "clip", 0f);
        if (clip <= 0) return x;
        return g.Add(new Clip(), x, g.Constant(Elements.Scalar(Element, -clip)), g.Constant(Elements.Scalar(Element, clip)));
    }

    /// <summary>The columns of a gate.</summary>
    public Value Gate(GraphBuilder g, Value all, int gate) => g.Add(new Slice([gate * Hidden], [(gate + 1) * Hidden], [1]), all);

    /// <summary>A state as ONNX gives it at first, for a direction: <c>[batch, hidden]</c>.</summary>
    public Value Initial(int input, int direction)
    {
        if (!_node.Has(input))
            return _g.Add(new Expand((IndexExpr[])[Batch, Hidden]), View.BehindData(_g, _g.Constant(Elements.Scalar(Element, 0)), RuntimeShapes.Dims(_g, _x)));
        Value states = Checked(input, 3);
        if (_batchFirst) states = _g.Add(new Transpose((long[])[1, 0, 2]), states);
        if (states.Type.Dims != (IndexExpr[])[Directions, Batch, Hidden]) throw _node.Bad($"its initial state is {_node.Inputs[input].Type}");
        return _g.Add(new Squeeze([0]), _g.Add(new Slice([direction], [direction + 1], [0]), states));
    }

    /// <summary>Runs the layer.</summary>
    /// <param name="recurrentBias">True for the gates whose recurrent bias may be added before the loop.</param>
    /// <param name="initial">The first states of a direction.</param>
    /// <param name="cell">The cell of a direction.</param>
    /// <returns>All outputs of all steps, and the last states, in the node's layout.</returns>
    public IReadOnlyList<Value> Run(Func<int, bool> recurrentBias, Func<int, Value[]> initial, Func<int, Cell> cell)
    {
        Value[][] directions = [.. Enumerable.Range(0, Directions).Select(d => Run(d, Project(d, recurrentBias), initial(d), cell(d)))];
        Value y = Join(1, 0);
        if (_batchFirst) y = _g.Add(new Transpose((long[])[2, 0, 1, 3]), y);
        List<Value> results = [y];
        for (int state = 1; state < directions[0].Length; state++)
        {
            Value last = Join(0, state);
            results.Add(_batchFirst ? _g.Add(new Transpose((long[])[1, 0, 2]), last) : last);
        }

        return results;

        Value Join(long axis, int which)
        {
            Value[] parts = [.. directions.Select(d => _g.Add(new Unsqueeze([axis]), d[which]))];
            return parts.Length == 1 ? parts[0] : _g.Add(new Concat(axis), parts);
        }
    }

    /// <summary>x W + b of all steps: <c>[length, batch, gates * hidden]</c>.</summary>
    private Value Project(int direction, Func<int, bool> recurrentBias)
    {
        Value projected = _g.Add(new MatMul(), _x, Apply(new Transpose((long[])[1, 0]), Part(1, direction, 0, _gates * Hidden)));
        if (!_node.Has(3)) return projected;
        Value bias = Part(3, direction, 0, _gates * Hidden);
        Value zero = _g.Constant(TensorData.Zeros(Element, Hidden));
        Value[] recurrent = [.. Enumerable.Range(0, _gates).Select(gate => recurrentBias(gate) ? RecurrentBias(direction, gate) : zero)];
        return _g.Add(new Add(), projected, _g.Add(new Add(), bias, recurrent.Length == 1 ? recurrent[0] : _g.Add(new Concat(0), recurrent)));
    }

    /// <summary>All outputs and the last states of a direction.</summary>
    private Value[] Run(int direction, Value projected, Value[] initial, Cell cell)
    {
        bool backwards = _direction == "reverse" || direction == 1;
        if (Length == IndexExpr.One)
        {
            Value[] only = Step(_g, projected, initial, IndexExpr.Zero, cell);
            return [_g.Add(new Unsqueeze([0]), only[^1]), .. only[..^1]];
        }

        IndexVar counter = _g.Symbols.FreshComputed("t", 0, RuntimeShapes.Max);
        IndexExpr at = backwards ? Length - 1 - counter : counter;
        BodyCapture capture = new(_g);
        Graph.Graph open = capture.Import("step", [.. initial.Select(v => v.Type)], (g, states) => Step(g, projected, [.. states], at, cell));
        Graph.Graph body = capture.Close(open);
        Node loop = _g.AddNode(new ForLoop(body, counter, Length, initial.Length, backwards), [.. initial, .. capture.Values]);
        return [loop[initial.Length], .. Enumerable.Range(0, initial.Length).Select(i => loop[i])];
    }

    /// <summary>The next states and the output of a step.</summary>
    private Value[] Step(GraphBuilder g, Value projected, Value[] states, IndexExpr at, Cell cell)
    {
        IndexExpr width = _gates * Hidden;
        StridedSlice step = new([at, IndexExpr.Zero, IndexExpr.Zero], [IndexExpr.One, IndexExpr.One, IndexExpr.One], [IndexExpr.One, Batch, width]);
        Value[] next = cell(g, g.Add(new Squeeze([0]), g.Add(step, projected)), states);
        if (!_node.Has(4)) return [.. next, next[0]];

        // Behind a sequence's end its states stay, and its outputs are zero. Backwards it begins at its end.
        Value now = g.Add(new Range(at, IndexExpr.Zero, IndexExpr.One, ElementType.Int32));
        Value runs = g.Add(new Unsqueeze([1]), g.Add(new Less(), now, _node.Inputs[4]));
        Value zero = g.Constant(Elements.Scalar(Element, 0));
        return [.. next.Select((v, i) => g.Add(new Where(), runs, v, states[i])), g.Add(new Where(), runs, next[0], zero)];
    }

    /// <summary>An operator on a value; on a constant at once, so that the loop's body has constants where the model has.</summary>
    private Value Apply(Op op, Value value)
    {
        Node node = _g.AddNode(op, value);
        return value.Constant is { } data ? _g.Constant(op.Evaluate([data], node.OutputTypes)[0]) : node[0];
    }

    private Value Checked(int input, int rank)
    {
        Value value = _node.Inputs[input];
        return value.Type.Rank == rank && value.Type.Element == Element ? value : throw _node.Bad($"input {input} is {value.Type}");
    }

    private void Require(int input, params IndexExpr[] dims)
    {
        if (Checked(input, dims.Length).Type.Dims != dims) throw _node.Bad($"input {input} is {_node.Inputs[input].Type}, not [{string.Join(", ", (IEnumerable<IndexExpr>)dims)}]");
    }
}
