using System.Reflection;
using Lathe.Compiler.Operators;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Graph;

/// <summary>
/// Reads what <see cref="GraphPrinter"/> writes. Beyond that, types and names may be left out, and a constant's elements may be generated:
/// <c>float32[8, 3, 3, 3] random(1)</c>, <c>zeros</c>, <c>splat(0.5)</c>. A <c>#</c> starts a comment.
/// </summary>
public sealed class GraphParser
{
    private readonly TextCursor _text;
    private readonly IReadOnlyDictionary<string, TensorData> _data;
    private readonly GraphBuilder _builder = new();
    private readonly Dictionary<string, Node> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IndexVar> _symbols;
    private readonly List<GraphPort> _inputs = [];

    private GraphParser(TextCursor text, IReadOnlyDictionary<string, TensorData> data, IReadOnlyDictionary<string, IndexVar> symbols)
    {
        _text = text;
        _data = data;
        _symbols = new Dictionary<string, IndexVar>(symbols, StringComparer.Ordinal);
    }

    /// <summary>Reads a graph.</summary>
    /// <param name="text">The text.</param>
    /// <param name="data">The tensors that the text mentions by hash.</param>
    /// <exception cref="FormatException">The text is none; the message names the line.</exception>
    /// <exception cref="Diagnostics.DiagnosticException">Operators do not fit their inputs.</exception>
    public static Graph Parse(string text, IReadOnlyDictionary<string, TensorData>? data = null)
    {
        TextCursor cursor = new(text);
        Graph graph = new GraphParser(cursor, data ?? new Dictionary<string, TensorData>(), new Dictionary<string, IndexVar>()).Graph();
        return cursor.AtEnd ? graph : throw cursor.Wrong("the end");
    }

    private Graph Graph()
    {
        _text.Expect("graph");
        string name = _text.Quoted();
        List<IndexVar> symbols = [];
        while (_text.Take("symbol"))
        {
            string symbol = _text.Word();
            _text.Expect("=");
            long min = long.Parse(_text.Word(), System.Globalization.CultureInfo.InvariantCulture);
            _text.Expect("..");
            symbols.Add(new IndexVar(symbol, min, _text.Integer()));
            _symbols[symbol] = symbols[^1];
        }

        while (_text.Take("%")) Statement();
        _text.Expect("return");
        List<GraphPort> outputs = [];
        do
        {
            string port = _text.Quoted();
            _text.Expect("=");
            outputs.Add(new GraphPort(port, Operand()));
        }
        while (_text.Take(","));
        return _builder.Build(name, _inputs, outputs, symbols);
    }

    private void Statement()
    {
        string name = _text.Word();
        _text.Expect("=");
        if (_text.Take("input"))
        {
            string port = _text.Quoted();
            _text.Expect(":");
            _builder.CurrentName = port;
            Define(name, _builder.AddNode(new Input(port, _text.Type(_symbols))));
            _inputs.Add(new GraphPort(port, _nodes[name][0]));
            return;
        }

        // The name stands last, but a node has it from the start: parts are read first, then the node is made.
        Op op;
        List<Value> inputs = [];
        if (SeesLiteral()) op = Literal();
        else
        {
            OpSyntax syntax = OpSyntax.Named(_text.Word()) ?? throw _text.Wrong("an operator");
            inputs = _text.List("(", ")", Operand);
            Dictionary<string, object?> members = new(StringComparer.Ordinal);
            if (_text.Sees("{")) _text.List("{", "}", () => Member(syntax, members));
            op = syntax.Make(members) ?? throw _text.Wrong("an operator whose members are all given before");
        }

        List<TensorType> types = [];
        if (_text.Take(":"))
        {
            do types.Add(_text.Type(_symbols));
            while (_text.Take(";"));
        }

        _builder.CurrentName = _text.Sees("\"") ? _text.Quoted() : null;
        Node node = _builder.AddNode(op, [.. inputs]);
        if (types.Count > 0 && !types.SequenceEqual(node.OutputTypes)) throw _text.Wrong($"after %{name} the type {string.Join("; ", node.OutputTypes)}");
        Define(name, node);
    }

    private void Define(string name, Node node)
    {
        if (!_nodes.TryAdd(name, node)) throw _text.Wrong($"another name than %{name}, which is taken,");
    }

    private string Member(OpSyntax syntax, Dictionary<string, object?> members)
    {
        string member = _text.Word();
        Type type = syntax.TypeOf(member) ?? throw _text.Wrong($"a member of the operator before; '{member}' is none");
        _text.Expect("=");
        if (!members.TryAdd(member, MemberValue(type))) throw _text.Wrong($"'{member}' once");
        return member;
    }

    private object? MemberValue(Type type)
    {
        if (_text.Take("null")) return null;
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return _text.Quoted();
        if (type == typeof(bool)) return _text.Take("true") || (_text.Take("false") ? false : throw _text.Wrong("true or false"));
        if (type == typeof(long)) return _text.Integer();
        if (type == typeof(int)) return checked((int)_text.Integer());
        if (type == typeof(float)) return (float)_text.Real();
        if (type == typeof(double)) return _text.Real();
        if (type.IsEnum) return Enum.Parse(type, _text.Word());
        if (type == typeof(TensorData)) return Literal().Data;
        if (type == typeof(TensorType)) return _text.Type(_symbols);
        if (type == typeof(Layout)) return Layout.Parse(_text.Quoted());
        if (type == typeof(IndexExpr)) return _text.Index(_symbols);
        if (type == typeof(Graph)) return Body();
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(EquatableArray<>))
            return OpSyntax.ArrayOf(type, _text.List("[", "]", () => MemberValue(type.GenericTypeArguments[0])));
        throw _text.Wrong($"a member that has a text form; {type.Name} has none");
    }

    private Graph Body()
    {
        _text.Expect("{");
        Graph body = new GraphParser(_text, _data, _symbols).Graph();
        _text.Expect("}");
        return body;
    }

    private Value Operand()
    {
        if (_text.Take("_")) return Value.None;
        if (!_text.Take("%")) return _builder.Add(Literal());
        string name = _text.Word();
        if (!_nodes.TryGetValue(name, out Node? node)) throw _text.Wrong($"a value that is defined before instead of %{name}");
        int output = _text.Take(".") ? (int)_text.Integer() : 0;
        return output < node.OutputTypes.Length ? node[output] : throw _text.Wrong($"an output of %{name}, which has {node.OutputTypes.Length}");
    }

    private bool SeesLiteral() =>
        Enum.GetValues<ElementType>().Any(t => t != ElementType.Undefined && _text.Sees(t.Name()));

    private Constant Literal()
    {
        TensorType type = _text.Type(_symbols);
        long[] dims = type.StaticDims;
        TensorData data;
        if (_text.Take("zeros")) data = TensorData.Zeros(type.Element, dims);
        else if (_text.Take("random"))
        {
            _text.Expect("(");
            data = RandomTensor.Of(type.Element, _text.Integer(), dims);
            _text.Expect(")");
        }
        else if (_text.Take("data"))
        {
            _text.Expect("(");
            string hash = _text.Word();
            data = _data.TryGetValue(hash, out TensorData? known) ? known : throw _text.Wrong($"the tensor {hash} beside the text");
            _text.Expect(")");
        }
        else
        {
            data = TensorData.Zeros(type.Element, dims);
            bool splat = _text.Take("splat");
            int at = 0;
            _text.List(splat ? "(" : "{", splat ? ")" : "}", () =>
            {
                if (at == data.Count) throw _text.Wrong($"{data.Count} elements");
                Element(data, at++);
                return at;
            });
            if (splat && at == 1) Repeat(data);
            else if (at != data.Count) throw _text.Wrong($"{data.Count} elements instead of {at}");
        }

        return new Constant(data, type.Layout);
    }

    private void Element(TensorData data, int index)
    {
        if (data.Strings is { } strings) strings[index] = _text.Quoted();
        else if (data.Element.IsFloat()) data.SetDouble(index, _text.Real());
        else if (data.Element == ElementType.UInt64) data.Span<ulong>()[index] = ulong.Parse(_text.Word(), System.Globalization.CultureInfo.InvariantCulture);
        else data.SetInt64(index, _text.Integer());
    }

    private static void Repeat(TensorData data)
    {
        int size = data.Element.Size();
        for (int i = size; i < data.Bytes.Length; i++) data.Bytes[i] = data.Bytes[i - size];
    }
}
