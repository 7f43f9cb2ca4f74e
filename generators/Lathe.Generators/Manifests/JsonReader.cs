using System.Globalization;
using System.Text;

namespace Lathe.Generators.Manifests;

/// <summary>Reads JSON (RFC 8259) as it is: no comments, no trailing commas, no member twice, no more than 32 levels.</summary>
internal sealed class JsonReader
{
    private const int DeepestLevel = 32;

    private readonly string _text;
    private int _at;

    private JsonReader(string text) => _text = text;

    /// <summary>Reads a text of one value.</summary>
    /// <exception cref="MalformedTextException">The text is not JSON.</exception>
    public static JsonValue Read(string text)
    {
        JsonReader reader = new(text);
        JsonValue value = reader.Value(0);
        reader.SkipSpace();
        return reader._at == text.Length ? value : throw reader.Malformed("text behind the end");
    }

    private JsonValue Value(int level)
    {
        SkipSpace();
        int start = _at;
        switch (Peek())
        {
            case '{' when level < DeepestLevel: return new(start, Members(level + 1));
            case '[' when level < DeepestLevel: return new(start, Items(level + 1));
            case '{' or '[': throw Malformed("too many levels");
            case '"': return new(JsonKind.String, start, String());
            case 't': return Literal("true");
            case 'f': return Literal("false");
            case 'n': return Literal("null");
            default: return new(JsonKind.Number, start, Number());
        }
    }

    private Dictionary<string, JsonValue> Members(int level)
    {
        Dictionary<string, JsonValue> members = new(StringComparer.Ordinal);
        if (IsEmpty('}')) return members;
        do
        {
            SkipSpace();
            int start = _at;
            string name = String();
            SkipSpace();
            Expect(':');
            if (members.ContainsKey(name)) throw new MalformedTextException($"the member '{name}' is there twice", start);
            members.Add(name, Value(level));
        }
        while (HasNext('}'));
        return members;
    }

    private List<JsonValue> Items(int level)
    {
        List<JsonValue> items = [];
        if (IsEmpty(']')) return items;
        do items.Add(Value(level));
        while (HasNext(']'));
        return items;
    }

    private bool IsEmpty(char end)
    {
        _at++;
        SkipSpace();
        if (Peek() != end) return false;
        _at++;
        return true;
    }

    private bool HasNext(char end)
    {
        SkipSpace();
        if (Peek() == end)
        {
            _at++;
            return false;
        }

        Expect(',');
        return true;
    }

    private JsonValue Literal(string literal)
    {
        if (string.CompareOrdinal(_text, _at, literal, 0, literal.Length) != 0) throw Malformed("a value is expected");
        _at += literal.Length;
        return new(JsonKind.Literal, _at - literal.Length, literal);
    }

    private string Number()
    {
        int start = _at;
        if (Peek() == '-') _at++;
        if (Peek() == '0') _at++;
        else Digits();
        if (Peek() == '.')
        {
            _at++;
            Digits();
        }

        if (Peek() is 'e' or 'E')
        {
            _at++;
            if (Peek() is '+' or '-') _at++;
            Digits();
        }

        return _text.Substring(start, _at - start);
    }

    private void Digits()
    {
        if (Peek() is not (>= '0' and <= '9')) throw Malformed("a value is expected");
        while (Peek() is >= '0' and <= '9') _at++;
    }

    private string String()
    {
        Expect('"');
        StringBuilder text = new();
        while (true)
        {
            char c = Peek();
            if (c < ' ') throw Malformed("a string is not closed");
            _at++;
            if (c == '"') return text.ToString();
            text.Append(c == '\\' ? Escaped() : c);
        }
    }

    private char Escaped()
    {
        char c = Peek();
        _at++;
        switch (c)
        {
            case '"' or '\\' or '/': return c;
            case 'b': return '\b';
            case 'f': return '\f';
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'u' when _at + 4 <= _text.Length
                && ushort.TryParse(_text.Substring(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code):
                _at += 4;
                return (char)code;
            default:
                _at--;
                throw Malformed("an escape is unknown");
        }
    }

    private void Expect(char c)
    {
        if (Peek() != c) throw Malformed($"'{c}' is expected");
        _at++;
    }

    private void SkipSpace()
    {
        while (Peek() is ' ' or '\t' or '\r' or '\n') _at++;
    }

    /// <summary>The next character; NUL at the end, which is no part of JSON.</summary>
    private char Peek() => _at < _text.Length ? _text[_at] : '\0';

    private MalformedTextException Malformed(string message) => new(message, Math.Min(_at, _text.Length));
}
