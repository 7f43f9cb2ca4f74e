using System.Text;

namespace Lathe.Generators.Emission;

/// <summary>Writes indented lines of C#. Text that is not from the generator goes through <see cref="Literal"/> or <see cref="Doc"/>.</summary>
internal sealed class SourceWriter
{
    private const int LongestDoc = 400;

    private readonly StringBuilder _text = new();
    private int _level;

    /// <summary>Writes lines at the present level; an empty string gives an empty line.</summary>
    public SourceWriter Lines(params string[] lines)
    {
        foreach (string line in lines)
        {
            if (line.Length > 0) _text.Append(' ', 4 * _level).Append(line);
            _text.Append('\n');
        }

        return this;
    }

    /// <summary>Writes the head of a block and its opening brace, and goes a level deeper.</summary>
    public SourceWriter Open(string head)
    {
        Lines(head, "{");
        _level++;
        return this;
    }

    /// <summary>Closes the innermost block.</summary>
    public SourceWriter Close()
    {
        _level--;
        return Lines("}");
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    /// <summary>A string literal of any text, in printable ASCII.</summary>
    public static string Literal(string value)
    {
        StringBuilder literal = new("\"");
        foreach (char c in value)
        {
            if (c is >= ' ' and <= '~' and not ('"' or '\\')) literal.Append(c);
            else literal.Append("\\u").Append(((int)c).ToString("X4", System.Globalization.CultureInfo.InvariantCulture));
        }

        return literal.Append('"').ToString();
    }

    /// <summary>Any text as a part of one line of documentation: markup escaped, what XML forbids or what breaks lines replaced, long text cut.</summary>
    public static string Doc(string value)
    {
        StringBuilder doc = new();
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            if (doc.Length >= LongestDoc) return doc.Append('…').ToString();
            if (char.IsHighSurrogate(c) && i + 1 < value.Length && char.IsLowSurrogate(value[i + 1])) doc.Append(c).Append(value[++i]);
            else if (c == '&') doc.Append("&amp;");
            else if (c == '<') doc.Append("&lt;");
            else if (c == '>') doc.Append("&gt;");
            else if (char.IsControl(c) || c is '\u2028' or '\u2029') doc.Append(' ');
            else if (char.IsSurrogate(c) || c is '\uFFFE' or '\uFFFF' || IsBidirectional(c)) doc.Append('\uFFFD');
            else doc.Append(c);
        }

        return doc.ToString();
    }

    /// <summary>Characters that make source look like something else than it is.</summary>
    private static bool IsBidirectional(char c) => c is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\u200E' or '\u200F' or '\u061C';
}
