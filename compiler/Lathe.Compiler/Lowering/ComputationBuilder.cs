using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Lowering;

/// <summary>
/// Turns a group of fused operators into one computation by composing their expressions: what comes before the root is substituted into its
/// reads, what comes after is applied to its result. Names are canonical, so that layers of one signature give equal computations.
/// </summary>
public sealed class ComputationBuilder
{
    private readonly Fused _group;
    private readonly Tensor[] _inputs;
    private readonly Tensor _output;
    private readonly string _prefix;
    private readonly Dictionary<Node, ComputationBuilder> _inner = [];
    private readonly Dictionary<Node, int> _numbers = [];
    private readonly Dictionary<Node, int> _ports = [];
    private readonly Axis[] _axes;
    private readonly IndexExpr[] _index;
    private readonly SortedDictionary<int, Tensor> _words = [];
    private LoweredOp? _rootLowered;

    /// <param name="group">The group.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="output">Its output.</param>
    /// <param name="prefix">Keeps the names of a group inside of another apart from those around it.</param>
    private ComputationBuilder(Fused group, Tensor[] inputs, Tensor output, string prefix = "")
    {
        (_group, _inputs, _output, _prefix) = (group, inputs, output, prefix);
        for (int i = 0; i < group.Body.Inputs.Length; i++) _ports[group.Body.Inputs[i].Value.Node] = i;
        foreach (Node node in group.Members)
        {
            if (node.Op is Fused before)
            {
                string within = $"{prefix}before_";
                Tensor result = new($"{within}y", node.OutputTypes[0].Element, node.OutputTypes[0].Dims, node.OutputTypes[0].EffectiveLayout);
                _inner[node] = new ComputationBuilder(before, [.. node.Inputs.Select(v => inputs[_ports[v.Node]])], result, within);
                continue;
            }

            _numbers[node] = _numbers.Count;
        }

        _axes = [.. output.Dims.Select((extent, i) => Axis.Of($"{prefix}o{i}", extent))];
        _index = [.. _axes.Select(a => (IndexExpr)a.Variable)];
    }

    /// <summary>The computation of a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="inputs">The types of its inputs, with their layouts.</param>
    /// <param name="output">The type of its output, with its layout.</param>
    /// <param name="name">The node's name, for messages.</param>
    /// <returns>The computation, and which input of the group each of its inputs is: all in order, and behind them once more those that are also read as words.</returns>
    /// <exception cref="DiagnosticException">A member has no lowering.</exception>
    public static (Computation Computation, IReadOnlyList<int> Ports) Build(Fused group, IReadOnlyList<TensorType> inputs, TensorType output, string name)
    {
        ComputationBuilder builder = new(
            group, [.. inputs.Select((t, i) => new Tensor($"x{i}", t.Element, t.Dims, t.EffectiveLayout))], new Tensor("y", output.Element, output.Dims, output.EffectiveLayout));
        try
        {
            return (builder.Build(), [.. Enumerable.Range(0, inputs.Count), .. builder._words.Keys]);
        }
        catch (NotLoweredException problem)
        {
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.NotLowered, name, problem.Op, problem.Message));
        }
    }

    private Computation Build()
    {
        List<Stage> stages = [];
        List<ConstantTensor> constants = [];
        KernelFamily family = Build(stages, constants);

        // Only dims that the shapes or the elements speak of become parameters of the kernel.
        HashSet<IndexVar> axes = [.. stages.SelectMany(s => s.Pure.Items.Concat(s.Reduction.Items)).Select(a => a.Variable)];
        EquatableArray<IndexVar> symbols = _inputs.Append(_output).SelectMany(t => t.Dims)
            .Concat(_inputs.SelectMany(t => t.Layout.Strides).Select(s => (IndexExpr)s))
            .Concat(stages.SelectMany(s => s.Pure.Items.Concat(s.Reduction.Items)).Select(a => a.Extent))
            .Concat(stages.SelectMany(Expressions).SelectMany(ExprWalk.All).SelectMany(Indices))
            .SelectMany(d => d.Variables).Where(v => !axes.Contains(v)).Distinct().OrderBy(v => v.Name, StringComparer.Ordinal).ToEquatableArray();
        string name = string.Join("_", _group.Operators.Select(o => o.Name).Take(4));
        return new Computation(name, family, stages.ToEquatableArray(), [.. _inputs, .. _words.Values], [_output], symbols) { Constants = constants.ToEquatableArray() };
    }

    /// <summary>The stages of the groups inside, then the group's own.</summary>
    private KernelFamily Build(List<Stage> stages, List<ConstantTensor> constants)
    {
        foreach (ComputationBuilder before in _inner.Values) before.Build(stages, constants);
        Node root = _group.Root;
        KernelFamily family = KernelFamily.Map;
        if (root.Op.Role is OpRole.Contraction or OpRole.Reduction or OpRole.Rows)
        {
            // The root's output has the shape of the group's: what follows it is element-wise.
            _rootLowered = LowerNode(root, 0, _axes, null);
            family = _rootLowered.Family;
            string prefix = Prefix(root);
            for (int i = 0; i < _rootLowered.Passes.Length - 1; i++)
            {
                LoweredPass pass = _rootLowered.Passes[i];
                EquatableArray<IndexExpr> dims = pass.Axes.Select(a => a.Extent).ToEquatableArray();
                Tensor temporary = new($"{prefix}t{i}", pass.Result.Type.Element, dims, Layout.RowMajor(dims.Length));
                stages.Add(new Stage($"{StageName(root)}{i}", temporary, pass.Axes, pass.Reduction, pass.Accumulators, pass.Result));
            }
        }

        LoweredPass? last = _rootLowered?.Passes[^1];
        stages.Add(new Stage(StageName(root), _output, _axes, last?.Reduction ?? [], last?.Accumulators ?? [], Element(_group.Result, _index)));
        constants.AddRange(_rootLowered?.Constants ?? []);
        return _inner.Count > 0 ? KernelFamily.Strips : family;
    }

    private static IEnumerable<Expr> Expressions(Stage stage) => stage.Accumulators.Items.SelectMany(a => (Expr[])[a.Init, a.Update]).Append(stage.Result);

    private static IEnumerable<IndexExpr> Indices(Expr expression) => expression switch
    {
        IndexValue value => [value.Index],
        Access access => access.Indices.Items,
        _ => [],
    };

    private Expr Element(Value value, IReadOnlyList<IndexExpr> index)
    {
        if (_ports.TryGetValue(value.Node, out int port)) return new Access(_inputs[port], index.ToEquatableArray());
        if (_inner.TryGetValue(value.Node, out ComputationBuilder? before)) return new Access(before._output, index.ToEquatableArray());
        if (value.Constant is { } constant)
            return !Runtime.ElementTypes.IsFloat(constant.Element)
                ? Const.OfInteger(constant.Element, constant.GetInt64(0))
                : Const.Of(constant.Element, constant.GetDouble(0));
        if (_rootLowered is not null && value.Node == _group.Root)
        {
            return IsOwnIndex(index)
                ? _rootLowered.Passes[^1].Result
                : throw new InvalidOperationException($"The result of {value.Op.Name} is read at another place than it is computed.");
        }

        LoweredOp lowered = LowerNode(value.Node, value.Output, null, index);
        return lowered.Passes is [{ Reduction.Length: 0 } only]
            ? only.Result
            : throw new InvalidOperationException($"{value.Op.Name} reduces and cannot be computed inside another kernel.");
    }

    private LoweredOp LowerNode(Node node, int output, IReadOnlyList<Axis>? axes, IReadOnlyList<IndexExpr>? index)
    {
        LowerContext context = new(
            [.. node.Inputs.Select(v => v.IsNone ? null : v.Type)],
            node.OutputTypes,
            output,
            Prefix(node),
            axes,
            (input, at) => Element(node.Inputs[input], at),
            index,
            (input, axis) => Halo(node.Inputs[input], axis),
            (input, offset) => GatherFrom(node, input, offset),
            (input, at) => Words(node, input, at));
        return node.Op.Lower(context) ?? throw new NotLoweredException(node.Op.Name, "it has no loop nest");
    }

    /// <summary>True for the place that is being computed; an axis of one element has only one.</summary>
    private bool IsOwnIndex(IReadOnlyList<IndexExpr> index) =>
        index.Select((at, axis) => at == _index[axis] || _output.Dims[axis] == IndexExpr.One).All(same => same);

    private (long Low, long High) Halo(Value value, int axis)
    {
        // What is converted as it is read has zeros where its source has them.
        if (value.Op is Cast && value.Node.Inputs[0] is var source && _ports.ContainsKey(source.Node)) value = source;
        Layout? layout = _ports.TryGetValue(value.Node, out int port) ? _inputs[port].Layout : _inner.GetValueOrDefault(value.Node)?._output.Layout;
        return (layout?.PadLow(axis) ?? 0, layout?.PadHigh(axis) ?? 0);
    }

    private Expr GatherFrom(Node node, int input, Expr offset)
    {
        Value value = node.Inputs[input];
        // A constant of one element stands in the expression itself.
        if (value.Constant is { Count: 1 }) return Element(value, []);
        return _ports.TryGetValue(value.Node, out int port) && _inputs[port].Layout.IsRowMajor
            ? new Gather(_inputs[port].Name, offset, _inputs[port].Element)
            : throw new NotLoweredException(node.Op.Name, "what it reads at indices from data does not lie row-major in memory");
    }

    private Access Words(Node node, int input, IReadOnlyList<IndexExpr> index)
    {
        if (!_ports.TryGetValue(node.Inputs[input].Node, out int port)) throw new NotLoweredException(node.Op.Name, "what it reads as words does not lie in memory");
        int axis = node.Op.WordAxis(input)?.GetOffset(index.Count) ?? throw new NotLoweredException(node.Op.Name, "it does not say that it reads words");
        if (!_words.TryGetValue(port, out Tensor? words))
        {
            words = _inputs[port].AsWords(axis) ?? throw new NotLoweredException(node.Op.Name, "what it reads as words does not lie in words in memory");
            _words[port] = words = words with { Name = words.Name + "_words" };
        }

        return new Access(words, index.ToEquatableArray());
    }

    private string Prefix(Node node) => $"{_prefix}n{_numbers[node]}_";

    private string StageName(Node node) => _prefix + node.Op.Name;
}

/// <summary>An operator, in the form it has here, has no kernel.</summary>
public sealed class NotLoweredException(string op, string reason) : Exception(reason)
{
    /// <summary>The operator.</summary>
    public string Op { get; } = op;
}
