using System.Collections.Immutable;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Text;

/// <summary>Reads kernels and statements.</summary>
internal sealed class StatementParser
{
    private readonly TokenReader _reader;
    private readonly IndexParser _indices;
    private readonly ExprParser _expressions;

    public StatementParser(TokenReader reader)
    {
        _reader = reader;
        _indices = new IndexParser(reader);
        _expressions = new ExprParser(reader, _indices);
    }

    public Kernel Kernel()
    {
        _reader.Expect("kernel");
        string name = _reader.Name();
        _reader.Expect("(");
        List<Parameter> parameters = _reader.List(")", Parameter);
        EndLine();
        string summary = string.Empty;
        if (_reader.Accept("summary"))
        {
            summary = _reader.Take(TokenKind.Text, "a string").Text;
            EndLine();
        }

        _reader.Define(Loops.Kernel.From.Name, new Meaning(Index: Loops.Kernel.From));
        _reader.Define(Loops.Kernel.To.Name, new Meaning(Index: Loops.Kernel.To));
        EquatableArray<IndexVar> dims = Dims(_reader);
        return new Kernel(name, summary, parameters.ToEquatableArray(), dims, Body());
    }

    /// <summary>The line that declares dims, if there is one.</summary>
    public static EquatableArray<IndexVar> Dims(TokenReader reader)
    {
        List<IndexVar> dims = [];
        if (!reader.Accept("dims")) return [];
        do dims.Add(Variable(reader, IndexRange.Unbounded));
        while (reader.Accept(","));
        reader.Take(TokenKind.NewLine, "the end of the line");
        foreach (IndexVar dim in dims) reader.Define(dim.Name, new Meaning(Index: dim));
        return dims.ToEquatableArray();
    }

    /// <summary>A name and, if it differs from what is expected, a range.</summary>
    public static IndexVar Variable(TokenReader reader, IndexRange expected)
    {
        string name = reader.Name();
        IndexRange range = reader.Range(expected);
        return new IndexVar(name, range.Min, range.Max);
    }

    /// <summary>A number as the type holds it.</summary>
    public static double Number(TokenReader reader, ElementType element)
    {
        Const constant = Const.Of(element, reader.Float());
        return element.IsFloat() ? constant.Float : constant.Integer;
    }

    private Parameter Parameter()
    {
        bool written = _reader.Accept("out");
        string name = _reader.Name();
        _reader.Expect(":");
        Parameter parameter = new(name, _reader.Element(), written);
        _reader.Define(name, new Meaning(Buffer: parameter.Element));
        return parameter;
    }

    private void EndLine() => _reader.Take(TokenKind.NewLine, "the end of the line");

    /// <summary>The deeper lines that belong to a statement: one statement, or a sequence. Names in it end with it.</summary>
    private Statement Body()
    {
        List<Statement> statements = Lines();
        return statements.Count == 1 ? statements[0] : new Sequence(statements.ToEquatableArray());
    }

    private List<Statement> Lines()
    {
        ImmutableDictionary<string, Meaning> outer = _reader.Names;
        List<Statement> statements = [];
        if (!_reader.Accept(TokenKind.Indent)) throw _reader.Error("a block expected");
        while (!_reader.Accept(TokenKind.Dedent)) statements.Add(Line());
        _reader.Names = outer;
        return statements;
    }

    private Statement Line()
    {
        if (_reader.Next is { Kind: TokenKind.Word, Quoted: false } word)
        {
            foreach (LoopKind kind in Enum.GetValues<LoopKind>())
                if (word.Text == kind.ToString().ToLowerInvariant()) return Loop();
            if (_reader.Accept("block"))
            {
                EndLine();
                return new Sequence(_reader.Next.Kind == TokenKind.Indent ? Lines().ToEquatableArray() : []);
            }

            if (_reader.Accept("if")) return If();
            if (_reader.Accept("alloc")) return Alloc();
        }

        Statement statement = Simple();
        EndLine();
        return statement;
    }

    private Statement Simple()
    {
        if (_reader.Accept("let")) return Let();
        if (_reader.Accept("index")) return LetIndex();
        if (_reader.Accept("local")) return Local();
        if (_reader.Accept("pointer")) return Pointer();
        if (_reader.Accept("table")) return Table();
        if (_reader.Accept("transpose")) return Transpose();
        if (_reader.Accept("prefetch"))
        {
            Place place = _expressions.Place(_reader.Name());
            return new Prefetch(place.Buffer, place.Index);
        }

        if (_reader.Accept("barrier")) return new Barrier();
        if (_reader.Accept("fail")) return new Fail(checked((int)_reader.Integer()));
        if (_reader.Accept("note")) return new Note(_reader.Take(TokenKind.Text, "a string").Text);
        bool streaming = _reader.Accept("stream");
        string name = _reader.Take(TokenKind.Word, "a statement").Text;
        if (!streaming && _reader.Accept("="))
        {
            if (_reader.Find(name).Value is null) throw _reader.Error($"'{name}' is no value");
            return new Assign(name, _expressions.Parse());
        }

        Place target = _expressions.Place(name);
        _reader.Expect("=");
        Expr value = _expressions.Parse();
        if (value.Type.Lanes != target.Lanes) throw _reader.Error($"{value.Type.Lanes} lanes are stored to {target.Lanes}");
        return new Store(name, target.Index, value, target.Mask, target.Stride, streaming);
    }

    /// <summary>A loop and those on the same line in it.</summary>
    private For Loop()
    {
        ImmutableDictionary<string, Meaning> outer = _reader.Names;
        string word = _reader.Name();
        LoopKind kind = Enum.GetValues<LoopKind>().First(k => k.ToString().ToLowerInvariant() == word);
        string name = _reader.Name();
        bool given = _reader.Is("{");
        IndexRange range = _reader.Range(IndexRange.Unbounded);
        _reader.Expect("in");
        IndexExpr lo = _indices.Parse();
        _reader.Expect("..");
        IndexExpr hi = _indices.Parse();
        if (!given) range = Printer.RangeOf(lo, hi);
        IndexVar variable = new(name, range.Min, range.Max);
        _reader.Define(name, new Meaning(Index: variable));
        Statement body;
        if (_reader.Accept(";")) body = Loop();
        else
        {
            EndLine();
            body = Body();
        }

        _reader.Names = outer;
        return new For(variable, lo, hi, kind, body);
    }

    private If If()
    {
        Expr condition = _expressions.Parse();
        EndLine();
        Statement then = Body();
        if (!_reader.Accept("else")) return new If(condition, then);
        EndLine();
        return new If(condition, then, Body());
    }

    private Alloc Alloc()
    {
        string name = _reader.Name();
        _reader.Expect(":");
        ElementType element = _reader.Element();
        _reader.Expect("[");
        IndexExpr size = _indices.Parse();
        _reader.Expect("]");
        string word = _reader.Name();
        MemoryScope scope = Enum.GetValues<MemoryScope>().Cast<MemoryScope?>().FirstOrDefault(s => s.ToString()!.ToLowerInvariant() == word)
            ?? throw _reader.Error($"'{word}' is no scope of memory");
        EndLine();
        ImmutableDictionary<string, Meaning> outer = _reader.Names;
        _reader.Define(name, new Meaning(Buffer: element));
        Statement body = Body();
        _reader.Names = outer;
        return new Alloc(name, element, size, scope, body);
    }

    private Let Let()
    {
        string name = _reader.Name();
        _reader.Expect("=");
        Expr value = _expressions.Parse();
        _reader.Define(name, new Meaning(Value: value.Type));
        return new Let(name, value);
    }

    private TransposeBlock Transpose()
    {
        (string to, IndexExpr toIndex, IndexExpr toStride) = Rows();
        _reader.Expect("=");
        (string from, IndexExpr fromIndex, IndexExpr fromStride) = Rows();
        _reader.Expect("of");
        long rows = _reader.Integer();
        _reader.Expect(",");
        return new TransposeBlock(to, toIndex, toStride, from, fromIndex, fromStride, rows, _reader.Integer());

        (string Buffer, IndexExpr Index, IndexExpr Stride) Rows()
        {
            string buffer = _reader.Name();
            _reader.Expect("[");
            IndexExpr index = _indices.Parse();
            _reader.Expect("]");
            _reader.Expect("by");
            return (buffer, index, _indices.Parse());
        }
    }

    private LetIndex LetIndex()
    {
        string name = _reader.Name();
        bool given = _reader.Is("{");
        IndexRange range = _reader.Range(IndexRange.Unbounded);
        _reader.Expect("=");
        IndexExpr value = _indices.Parse();
        if (!given) range = value.Range;
        IndexVar variable = new(name, range.Min, range.Max);
        _reader.Define(name, new Meaning(Index: variable));
        return new LetIndex(variable, value);
    }

    private Local Local()
    {
        string name = _reader.Name();
        _reader.Expect(":");
        VectorType type = _reader.Type();
        _reader.Define(name, new Meaning(Value: type));
        return new Local(name, type);
    }

    private Pointer Pointer()
    {
        string name = _reader.Name();
        _reader.Expect("=");
        Place place = _expressions.Place(_reader.Name());
        _reader.Define(name, new Meaning(Buffer: place.Element));
        return new Pointer(name, place.Buffer, place.Index);
    }

    private Table Table()
    {
        string name = _reader.Name();
        _reader.Expect(":");
        ElementType element = _reader.Element();
        _reader.Expect("=");
        _reader.Expect("{");
        List<double> values = _reader.List("}", () => Number(_reader, element));
        _reader.Define(name, new Meaning(Buffer: element));
        return new Table(name, element, values.ToEquatableArray());
    }
}
