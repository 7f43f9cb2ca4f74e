using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Text;

/// <summary>A place in memory as written: <c>X[index : lanes step s if mask]</c>.</summary>
internal readonly record struct Place(string Buffer, ElementType Element, IndexExpr Index, int Lanes, long Stride, Expr? Mask);

/// <summary>Reads expressions.</summary>
internal sealed class ExprParser(TokenReader reader, IndexParser indices)
{
    public Expr Parse() => Infix(0);

    /// <summary>A place behind a buffer's name.</summary>
    public Place Place(string buffer)
    {
        ElementType element = reader.Find(buffer).Buffer ?? throw reader.Error($"'{buffer}' is no buffer");
        reader.Expect("[");
        IndexExpr index = indices.Parse();
        int lanes = reader.Accept(":") ? Lanes() : 1;
        long stride = reader.Accept("step") ? reader.Integer() : 1;
        Expr? mask = reader.Accept("if") ? Parse() : null;
        reader.Expect("]");
        return new Place(buffer, element, index, lanes, stride, mask);
    }

    private int Lanes() => reader.Integer() is > 0 and <= 4096 and var lanes ? (int)lanes : throw reader.Error("that is no number of lanes");

    private Expr Infix(int least)
    {
        Expr left = Prefix();
        while (true)
        {
            (BinaryOp Op, string Symbol, int Precedence) found = Words.Infix.FirstOrDefault(i => i.Precedence >= least && reader.Is(i.Symbol));
            if (found.Symbol is null) return left;
            reader.Expect(found.Symbol);
            left = new Binary(found.Op, left, Infix(found.Precedence + 1));
        }
    }

    private Expr Prefix()
    {
        if (reader.Accept("-")) return new Unary(UnaryOp.Negate, Prefix());
        if (reader.Accept("!")) return new Unary(UnaryOp.Not, Prefix());
        if (reader.Accept("("))
        {
            Expr inner = Parse();
            reader.Expect(")");
            return inner;
        }

        Token word = reader.Take(TokenKind.Word, "an expression");
        if (!word.Quoted && Words.TypeOf(word.Text) is { } type) return Typed(type);
        if (reader.Is("[")) return Load(Place(word.Text));
        if (!reader.Is("(")) return Variable(word.Text);
        if (!word.Quoted && Call(word.Text) is { } call) return call;
        return Access(word.Text);
    }

    private static Load Load(Place place) => new(place.Buffer, place.Index, new VectorType(place.Element, place.Lanes), place.Mask, place.Stride);

    private Var Variable(string name) => new(name, reader.Find(name).Value ?? throw reader.Error($"'{name}' is no value"));

    private Access Access(string name)
    {
        Tensor tensor = reader.Find(name).Tensor ?? throw reader.Error($"'{name}' is neither a function nor a tensor");
        reader.Expect("(");
        return new Access(tensor, reader.List(")", indices.Parse).ToEquatableArray());
    }

    /// <summary>A constant or an index, behind its type.</summary>
    private Expr Typed(VectorType type)
    {
        if (reader.Accept("["))
        {
            IndexExpr index = indices.Parse();
            long stride = reader.Accept("step") ? reader.Integer() : 0;
            reader.Expect("]");
            return new IndexValue(index, type, stride);
        }

        reader.Expect("(");
        Const constant = type.Element.IsFloat() ? Const.Of(type, reader.Float()) : Const.OfInteger(type, reader.Integer());
        reader.Expect(")");
        return constant;
    }

    /// <summary>A function, or null if the name is none.</summary>
    private Expr? Call(string name)
    {
        switch (name)
        {
            case "select": return Operands(3) is [var c, var t, var e] ? new Select(c, t, e) : null;
            case "fma": return Operands(3) is [var x, var y, var z] ? new Fma(x, y, z) : null;
            case "cast" or "bits" or "splat" or "first" or "shuffle" or "reduce" or "gather": return Special(name);
        }

        if (name.StartsWith("dot4", StringComparison.Ordinal) && name.Length == 6 && name[4..].All(c => c is 'u' or 's'))
            return Operands(3) is [var s, var a, var b] ? new Dot4(s, a, b, name[4] == 's', name[5] == 's') : null;
        if (name is "dot2_bfloat16" or "dot2_int16")
            return Operands(3) is [var s, var a, var b] ? new Dot2(s, a, b, ElementTypes.Parse(name[5..])) : null;
        foreach (BinaryOp op in Words.Functions)
            if (Words.NameOf(op) == name) return Operands(2) is [var a, var b] ? new Binary(op, a, b) : null;
        foreach (UnaryOp op in Enum.GetValues<UnaryOp>())
            if (op is not (UnaryOp.Negate or UnaryOp.Not) && op.ToString().ToLowerInvariant() == name) return Operands(1) is [var a] ? new Unary(op, a) : null;
        return null;
    }

    private List<Expr> Operands(int count)
    {
        reader.Expect("(");
        List<Expr> operands = reader.List(")", Parse);
        return operands.Count == count ? operands : throw reader.Error($"{count} operands expected, not {operands.Count}");
    }

    /// <summary>The functions whose arguments are not all expressions.</summary>
    private Expr Special(string name)
    {
        reader.Expect("(");
        Expr result = name switch
        {
            "cast" => Cast(),
            "bits" => new Bits(Before(), reader.Type()),
            "splat" => new Splat(Before(), Lanes()),
            "first" => First(),
            "shuffle" => Shuffle(),
            "reduce" => Reduce(),
            _ => Gather(),
        };
        reader.Expect(")");
        return result;
    }

    /// <summary>An operand and the comma behind it.</summary>
    private Expr Before()
    {
        Expr operand = Parse();
        reader.Expect(",");
        return operand;
    }

    private Cast Cast()
    {
        Expr operand = Before();
        VectorType to = reader.Type();
        bool round = reader.Accept("round"), saturate = reader.Accept("saturate");
        return new Cast(operand, to, saturate, round);
    }

    private FirstLanes First()
    {
        IndexExpr count = indices.Parse();
        reader.Expect(",");
        return new FirstLanes(count, Lanes());
    }

    private Shuffle Shuffle()
    {
        Expr a = Before(), b = Before();
        reader.Expect("[");
        return new Shuffle(a, b, reader.List("]", () => (int)reader.Integer()).ToEquatableArray());
    }

    private Reduce Reduce()
    {
        string name = reader.Name();
        foreach (BinaryOp op in Words.Reductions)
        {
            if (Words.NameOf(op) != name) continue;
            reader.Expect(",");
            return new Reduce(op, Parse());
        }

        throw reader.Error($"lanes cannot be combined by '{name}'");
    }

    private Gather Gather()
    {
        string buffer = reader.Name();
        ElementType element = reader.Find(buffer).Buffer ?? throw reader.Error($"'{buffer}' is no buffer");
        reader.Expect(",");
        Expr index = Parse();
        Expr? mask = reader.Accept(",") ? Parse() : null;
        return new Gather(buffer, index, new VectorType(element, index.Type.Lanes), mask);
    }
}
