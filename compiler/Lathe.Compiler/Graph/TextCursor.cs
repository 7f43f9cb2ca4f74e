using System.Globalization;
using System.Text;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Graph;

/// <summary>A place in a text, and what can be read from it: the words of <see cref="GraphParser"/>.</summary>
internal sealed class TextCursor(string text)
{
    private int _at;

    /// <summary>True at the end of the text.</summary>
    public bool AtEnd
    {
        get
        {
            SkipSpace();
            return _at == text.Length;
        }
    }

    /// <summary>Takes a symbol or word if it comes next.</summary>
    public bool Take(string word)
    {
        SkipSpace();
        if (string.CompareOrdinal(text, _at, word, 0, word.Length) != 0) return false;
        int end = _at + word.Length;
        if (IsWord(word[^1]) && end < text.Length && IsWord(text[end])) return false;
        _at = end;
        return true;
    }

    /// <summary>True if a symbol or word comes next.</summary>
    public bool Sees(string word)
    {
        int before = _at;
        bool sees = Take(word);
        _at = before;
        return sees;
    }

    /// <summary>Takes a symbol or word.</summary>
    /// <exception cref="FormatException">Something else comes next.</exception>
    public void Expect(string word)
    {
        if (!Take(word)) throw Wrong($"'{word}'");
    }

    /// <summary>Takes letters, digits and underscores.</summary>
    public string Word()
    {
        SkipSpace();
        int from = _at;
        while (_at < text.Length && IsWord(text[_at])) _at++;
        return _at > from ? text[from.._at] : throw Wrong("a word");
    }

    /// <summary>Takes everything up to white space or one of the given characters.</summary>
    public string Until(string ends)
    {
        int from = _at;
        while (_at < text.Length && !char.IsWhiteSpace(text[_at]) && !ends.Contains(text[_at])) _at++;
        return text[from.._at];
    }

    /// <summary>Takes an integer.</summary>
    public long Integer()
    {
        string number = Number();
        return long.TryParse(number, CultureInfo.InvariantCulture, out long value) ? value : throw Wrong($"an integer instead of '{number}'");
    }

    /// <summary>Takes a floating-point number, an infinity or NaN.</summary>
    public double Real()
    {
        string number = Number();
        return number switch
        {
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            "nan" => double.NaN,
            _ => double.TryParse(number, CultureInfo.InvariantCulture, out double value) ? value : throw Wrong($"a number instead of '{number}'"),
        };
    }

    /// <summary>Takes a text in quotes.</summary>
    public string Quoted()
    {
        Expect("\"");
        StringBuilder content = new();
        while (_at < text.Length && text[_at] != '"')
        {
            char c = text[_at++];
            if (c != '\\')
            {
                content.Append(c);
                continue;
            }

            if (_at == text.Length) break;
            c = text[_at++];
            if (c != 'u') content.Append(c);
            else
            {
                content.Append((char)int.Parse(text.AsSpan(_at, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                _at += 4;
            }
        }

        // No white space may be skipped here: it would belong to the text.
        if (_at == text.Length) throw Wrong("a closing quote");
        _at++;
        return content.ToString();
    }

    /// <summary>A text in quotes, as <see cref="Quoted"/> reads it.</summary>
    public static string Quote(string content)
    {
        StringBuilder quoted = new("\"");
        foreach (char c in content)
        {
            if (c is '"' or '\\') quoted.Append('\\').Append(c);
            else if (char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029') quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else quoted.Append(c);
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>Takes items between brackets, separated by commas.</summary>
    public List<T> List<T>(string open, string close, Func<T> item)
    {
        List<T> items = [];
        Expect(open);
        if (Take(close)) return items;
        do items.Add(item());
        while (Take(","));
        Expect(close);
        return items;
    }

    /// <summary>Takes a type such as <c>float32[N, 4]</c>, with <c>@layout</c> where one is set.</summary>
    public TensorType Type(IReadOnlyDictionary<string, IndexVar> symbols)
    {
        string name = Word();
        ElementType element = ElementTypes.Parse(name);
        if (element == ElementType.Undefined) throw Wrong($"an element type instead of '{name}'");
        List<IndexExpr> dims = List("[", "]", () => Index(symbols));
        bool layout = _at < text.Length && text[_at] == '@';
        if (!layout) return new TensorType(element, dims.ToArray());
        _at++;
        return new TensorType(element, dims.ToArray(), Layout.Parse(Until(";}")));
    }

    /// <summary>Takes an index expression as it prints.</summary>
    public IndexExpr Index(IReadOnlyDictionary<string, IndexVar> symbols)
    {
        IndexExpr sum = Take("-") ? -Product(symbols) : Product(symbols);
        while (true)
        {
            if (Take("+")) sum += Product(symbols);
            else if (Take("-")) sum -= Product(symbols);
            else return sum;
        }
    }

    /// <summary>The error that something else was expected here.</summary>
    public FormatException Wrong(string expected)
    {
        int line = 1 + text.AsSpan(0, _at).Count('\n');
        string rest = text.Substring(_at, Math.Min(40, text.Length - _at)).Split('\n')[0];
        return new FormatException($"Line {line}: expected {expected} at '{rest}'.");
    }

    private IndexExpr Product(IReadOnlyDictionary<string, IndexVar> symbols)
    {
        IndexExpr product = Factor(symbols);
        while (Take("*")) product *= Factor(symbols);
        return product;
    }

    private IndexExpr Factor(IReadOnlyDictionary<string, IndexVar> symbols)
    {
        if (Take("("))
        {
            IndexExpr a = Index(symbols);
            if (Take("div")) a /= Index(symbols);
            else if (Take("mod")) a %= Index(symbols);
            Expect(")");
            return a;
        }

        SkipSpace();
        if (_at < text.Length && char.IsAsciiDigit(text[_at])) return Integer();
        string name = Word();
        if (symbols.TryGetValue(name, out IndexVar? variable)) return variable;
        if (!Take("(")) throw Wrong($"a symbol that is declared instead of '{name}'");
        IndexExpr first = Index(symbols);
        Expect(name == "select" ? "<" : ",");
        IndexExpr second = Index(symbols), result;
        switch (name)
        {
            case "min": result = IndexExpr.Min(first, second); break;
            case "max": result = IndexExpr.Max(first, second); break;
            case "select":
                Expect(",");
                IndexExpr then = Index(symbols);
                Expect(",");
                result = IndexExpr.IfLess(first, second, then, Index(symbols));
                break;
            default: throw Wrong($"min, max or select instead of '{name}'");
        }

        Expect(")");
        return result;
    }

    private string Number()
    {
        SkipSpace();
        int from = _at;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '.' || IsSign())) _at++;
        return _at > from ? text[from.._at] : throw Wrong("a number");

        // A sign stands first, or first in an exponent.
        bool IsSign() => text[_at] is '+' or '-' && (_at == from || text[_at - 1] is 'e' or 'E');
    }

    private void SkipSpace()
    {
        while (_at < text.Length && (char.IsWhiteSpace(text[_at]) || text[_at] == '#'))
        {
            // A comment goes to the end of the line.
            if (text[_at] == '#') while (_at < text.Length && text[_at] != '\n') _at++;
            else _at++;
        }
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';
}
