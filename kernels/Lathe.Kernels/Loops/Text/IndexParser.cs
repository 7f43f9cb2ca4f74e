namespace Lathe.Kernels.Loops.Text;

/// <summary>Reads index expressions and simplifies them to normal form.</summary>
internal sealed class IndexParser(TokenReader reader)
{
    public IndexExpr Parse()
    {
        IndexExpr sum = reader.Accept("-") ? -Product() : Product();
        while (true)
        {
            if (reader.Accept("+")) sum += Product();
            else if (reader.Accept("-")) sum -= Product();
            else return sum;
        }
    }

    private IndexExpr Product()
    {
        IndexExpr product = Factor();
        while (true)
        {
            if (reader.Accept("*")) product *= Factor();
            else if (reader.Accept("div")) product /= Factor();
            else if (reader.Accept("mod")) product %= Factor();
            else return product;
        }
    }

    private IndexExpr Factor()
    {
        if (reader.Accept("("))
        {
            IndexExpr inner = Parse();
            reader.Expect(")");
            return inner;
        }

        if (reader.Next.Kind == TokenKind.Number) return reader.Integer();
        bool call = reader.After is { Kind: TokenKind.Symbol, Text: "(" };
        string name = reader.Name();
        if (call && name is "min" or "max")
        {
            reader.Expect("(");
            IndexExpr a = Parse();
            reader.Expect(",");
            IndexExpr b = Parse();
            reader.Expect(")");
            return name == "min" ? IndexExpr.Min(a, b) : IndexExpr.Max(a, b);
        }

        if (call && name == "select") return Choice();
        return reader.Find(name).Index ?? throw reader.Error($"'{name}' is no index variable");
    }

    private IndexExpr Choice()
    {
        reader.Expect("(");
        IndexExpr a = Parse();
        reader.Expect("<");
        IndexExpr b = Parse();
        reader.Expect(",");
        IndexExpr then = Parse();
        reader.Expect(",");
        IndexExpr otherwise = Parse();
        reader.Expect(")");
        return IndexExpr.IfLess(a, b, then, otherwise);
    }
}
