using System.Collections.Immutable;
using System.Text;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Text;

/// <summary>Reads computations.</summary>
internal sealed class ComputationParser
{
    private readonly TokenReader _reader;
    private readonly IndexParser _indices;
    private readonly ExprParser _expressions;

    public ComputationParser(TokenReader reader)
    {
        _reader = reader;
        _indices = new IndexParser(reader);
        _expressions = new ExprParser(reader, _indices);
    }

    public Computation Computation()
    {
        _reader.Expect("computation");
        string name = _reader.Name();
        _reader.Expect(":");
        string word = _reader.Name();
        if (!Enum.TryParse(word, out KernelFamily family)) throw _reader.Error($"'{word}' is no family of kernels");
        EndLine();
        EquatableArray<IndexVar> dims = StatementParser.Dims(_reader);
        List<Tensor> inputs = [], outputs = [];
        List<ConstantTensor> constants = [];
        List<Stage> stages = [];
        while (_reader.Next.Kind != TokenKind.End)
        {
            if (_reader.Accept("input")) inputs.Add(Declaration());
            else if (_reader.Accept("output")) outputs.Add(Declaration());
            else if (_reader.Accept("temporary")) Declaration();
            else if (_reader.Accept("constant")) constants.Add(Constant());
            else if (_reader.Accept("stage"))
            {
                stages.Add(Stage());
                continue;
            }
            else throw _reader.Error($"a tensor or a stage expected, not '{_reader.Next.Text}'");
            EndLine();
        }

        return new Computation(name, family, stages.ToEquatableArray(), inputs.ToEquatableArray(), outputs.ToEquatableArray(), dims)
        {
            Constants = constants.ToEquatableArray(),
        };
    }

    private void EndLine() => _reader.Take(TokenKind.NewLine, "the end of the line");

    private Tensor Declaration()
    {
        string name = _reader.Name();
        _reader.Expect(":");
        ElementType element = _reader.Element();
        _reader.Expect("[");
        EquatableArray<IndexExpr> dims = _reader.List("]", _indices.Parse).ToEquatableArray();
        Layout layout = _reader.Accept("layout") ? Layout() : Loops.Layout.RowMajor(dims.Length);
        Tensor tensor = new(name, element, dims, layout);
        _reader.Define(name, new Meaning(Tensor: tensor));
        return tensor;
    }

    private Layout Layout()
    {
        StringBuilder text = new();
        while (_reader.Next.Kind == TokenKind.Number || _reader.Is(",") || _reader.Is("+") || _reader.Is("/") || _reader.Is("%") || _reader.Is("*") || (text.Length > 0 && text[^1] == '*'))
            text.Append(_reader.Take(_reader.Next.Kind, "a layout").Text);
        return Loops.Layout.Parse(text.ToString());
    }

    private ConstantTensor Constant()
    {
        Tensor tensor = Declaration();
        _reader.Expect("=");
        _reader.Expect("{");
        return new ConstantTensor(tensor, _reader.List("}", () => StatementParser.Number(_reader, tensor.Element)).ToEquatableArray());
    }

    private Stage Stage()
    {
        ImmutableDictionary<string, Meaning> outer = _reader.Names;
        string name = _reader.Name();
        _reader.Expect("writes");
        string target = _reader.Name();
        Tensor output = _reader.Find(target).Tensor ?? throw _reader.Error($"'{target}' is no tensor");
        EquatableArray<Axis> pure = _reader.Accept("over") ? Axes() : [], reduction = _reader.Accept("reducing") ? Axes() : [];
        EndLine();
        if (!_reader.Accept(TokenKind.Indent)) throw _reader.Error("the stage's values expected");
        List<Accumulator> accumulators = Accumulators();
        _reader.Expect("result");
        _reader.Expect("=");
        Expr result = _expressions.Parse();
        EndLine();
        _reader.Take(TokenKind.Dedent, "the end of the stage");
        _reader.Names = outer;
        return new Stage(name, output, pure, reduction, accumulators.ToEquatableArray(), result);
    }

    private EquatableArray<Axis> Axes()
    {
        List<Axis> axes = [];
        do
        {
            string name = _reader.Name();
            bool given = _reader.Is("{");
            IndexRange range = _reader.Range(IndexRange.Unbounded);
            _reader.Expect("in");
            IndexExpr extent = _indices.Parse();
            Axis axis = given ? new Axis(new IndexVar(name, range.Min, range.Max), extent) : Axis.Of(name, extent);
            _reader.Define(name, new Meaning(Index: axis.Variable));
            axes.Add(axis);
        }
        while (_reader.Accept(","));
        return axes.ToEquatableArray();
    }

    /// <summary>Every update may speak of every accumulator, so all are named before the first update is read.</summary>
    private List<Accumulator> Accumulators()
    {
        foreach ((string name, ElementType element) in _reader.Ahead()) _reader.Define(name, new Meaning(Value: element));
        List<Accumulator> accumulators = [];
        while (!_reader.Is("result"))
        {
            string name = _reader.Name();
            _reader.Expect(":");
            ElementType element = _reader.Element();
            _reader.Expect("=");
            Expr init = _expressions.Parse();
            _reader.Expect("then");
            accumulators.Add(new Accumulator(name, element, init, _expressions.Parse()));
            EndLine();
        }

        return accumulators;
    }
}
