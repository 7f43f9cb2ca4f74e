namespace Lathe.Kernels.Loops.Text;

/// <summary>
/// Reads the text form that <see cref="Printer"/> writes. Index expressions are simplified as they are read; types and lanes are not
/// checked here but by the verifiers. Errors are <see cref="FormatException"/>s that begin with <c>(line, column)</c>.
/// </summary>
public static class Parser
{
    /// <summary>Reads a kernel.</summary>
    /// <exception cref="FormatException">The text is none.</exception>
    public static Kernel ParseKernel(string text) => Whole(text, reader => new StatementParser(reader).Kernel());

    /// <summary>Reads a computation.</summary>
    /// <exception cref="FormatException">The text is none.</exception>
    public static Computation ParseComputation(string text) => Whole(text, reader => new ComputationParser(reader).Computation());

    /// <summary>Reads an index expression over given variables.</summary>
    /// <exception cref="FormatException">The text is none.</exception>
    public static IndexExpr ParseIndex(string text, params IEnumerable<IndexVar> variables) => Whole(text, reader =>
    {
        foreach (IndexVar variable in variables) reader.Define(variable.Name, new Meaning(Index: variable));
        IndexExpr index = new IndexParser(reader).Parse();
        reader.Take(TokenKind.NewLine, "the end");
        return index;
    });

    private static T Whole<T>(string text, Func<TokenReader, T> read)
    {
        TokenReader reader = new(new Lexer(text).Run());
        try
        {
            T result = read(reader);
            reader.Take(TokenKind.End, "the end");
            return result;
        }
        catch (Exception e) when (e is OverflowException or DivideByZeroException or ArgumentOutOfRangeException)
        {
            throw new FormatException(reader.Error(e.Message).Message, e);
        }
    }
}
