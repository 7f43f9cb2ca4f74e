using System.Collections.Immutable;
using System.Globalization;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Text;

/// <summary>What a name means to the parser: an index variable, a value of a type, a buffer of an element type, a tensor.</summary>
internal readonly record struct Meaning(IndexVar? Index = null, VectorType? Value = null, ElementType? Buffer = null, Tensor? Tensor = null);

/// <summary>Reads tokens one after the other. Names live in <see cref="Names"/>, which blocks save and restore.</summary>
internal sealed class TokenReader(List<Token> tokens)
{
    private int _at;

    public ImmutableDictionary<string, Meaning> Names { get; set; } = ImmutableDictionary.Create<string, Meaning>(StringComparer.Ordinal);

    public Token Next => tokens[_at];

    public Token After => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public FormatException Error(string problem) => new($"({Next.Line}, {Next.Column}): {problem}");

    public void Define(string name, Meaning meaning)
    {
        if (Names.ContainsKey(name)) throw Error($"'{name}' is defined twice");
        Names = Names.Add(name, meaning);
    }

    public Meaning Find(string name) => Names.TryGetValue(name, out Meaning meaning) ? meaning : throw Error($"'{name}' is not defined");

    public bool Is(string text) => Next is { Kind: TokenKind.Symbol or TokenKind.Word, Quoted: false } next && next.Text == text;

    public bool Accept(string text)
    {
        if (!Is(text)) return false;
        _at++;
        return true;
    }

    public void Expect(string text)
    {
        if (!Accept(text)) throw Error($"'{text}' expected, not '{Next.Text}'");
    }

    public Token Take(TokenKind kind, string what)
    {
        if (Next.Kind != kind) throw Error($"{what} expected, not '{Next.Text}'");
        return tokens[_at++];
    }

    public bool Accept(TokenKind kind)
    {
        if (Next.Kind != kind) return false;
        _at++;
        return true;
    }

    public string Name() => Take(TokenKind.Word, "a name").Text;

    public VectorType Type()
    {
        Token token = Take(TokenKind.Word, "a type");
        return Words.TypeOf(token.Text) ?? throw new FormatException($"({token.Line}, {token.Column}): '{token.Text}' is no type");
    }

    public ElementType Element()
    {
        VectorType type = Type();
        return type.Lanes == 1 ? type.Element : throw Error("a type without lanes expected");
    }

    public long Integer()
    {
        bool negative = Accept("-");
        string text = Take(TokenKind.Number, "a number").Text;
        return long.TryParse(negative ? $"-{text}" : text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw Error($"'{text}' is no integer of 64 bits");
    }

    public double Float()
    {
        bool negative = Accept("-");
        double value = Accept("inf") ? double.PositiveInfinity
            : Accept("nan") ? double.NaN
            : double.Parse(Take(TokenKind.Number, "a number").Text, CultureInfo.InvariantCulture);
        return negative ? -value : value;
    }

    /// <summary>Items with commas between, up to a closing bracket.</summary>
    public List<T> List<T>(string end, Func<T> item)
    {
        List<T> items = [];
        if (Accept(end)) return items;
        do items.Add(item());
        while (Accept(","));
        Expect(end);
        return items;
    }

    /// <summary>The accumulators that the next lines of a stage declare.</summary>
    public IEnumerable<(string Name, ElementType Element)> Ahead()
    {
        for (int at = _at; at + 2 < tokens.Count && tokens[at] is { Kind: TokenKind.Word } name && tokens[at + 1].Text == ":"; at++)
        {
            yield return (name.Text, Words.TypeOf(tokens[at + 2].Text)?.Element ?? throw Error($"'{tokens[at + 2].Text}' is no type"));
            while (tokens[at].Kind is not (TokenKind.NewLine or TokenKind.End)) at++;
        }
    }

    /// <summary>A range in braces, or the expected one if there is none.</summary>
    public IndexRange Range(IndexRange expected)
    {
        if (!Accept("{")) return expected;
        long min = Is("..") ? long.MinValue : Integer();
        Expect("..");
        long max = Is("}") ? long.MaxValue : Integer();
        Expect("}");
        return new IndexRange(min, max);
    }
}
