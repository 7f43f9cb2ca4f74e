using System.Globalization;
using System.Text;

namespace Lathe.Kernels.Loops.Text;

/// <summary>What a token is.</summary>
internal enum TokenKind
{
    Word,
    Number,
    Text,
    Symbol,
    NewLine,
    Indent,
    Dedent,
    End,
}

/// <summary>A token and where it stands.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">A word, number or symbol as written; a string's contents.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="Quoted">True for a word in backticks, which is never a keyword.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, int Column, bool Quoted = false);

/// <summary>Splits text into tokens. Indentation makes blocks; a line goes on while a bracket is open; <c>#</c> starts a comment.</summary>
internal sealed class Lexer(string source)
{
    /// <summary>Longer ones first, so that they are not read as two.</summary>
    private static readonly string[] Symbols =
    [
        "..", "<<", ">>", "<=", "==", "!=", "(", ")", "[", "]", "{", "}", ",", ":", ";", "=", "<", "+", "-", "*", "/", "%", "&", "|", "^", "!",
    ];

    private readonly List<Token> _tokens = [];
    private readonly Stack<int> _indents = new([0]);
    private int _at, _line = 1, _lineStart, _brackets;

    public List<Token> Run()
    {
        bool lineBegins = true;
        while (true)
        {
            int blank = SkipBlank();
            if (_at == source.Length) break;
            char c = source[_at];
            if (c == '\n')
            {
                if (!lineBegins && _brackets == 0)
                {
                    Add(TokenKind.NewLine, "line end");
                    lineBegins = true;
                }

                NextLine();
                continue;
            }

            if (lineBegins)
            {
                Indent(blank);
                lineBegins = false;
            }

            if (c == '"') ReadString();
            else if (c == '`') ReadQuoted();
            else if (char.IsAsciiLetter(c) || c == '_') ReadWord();
            else if (char.IsAsciiDigit(c)) ReadNumber();
            else ReadSymbol();
        }

        if (!lineBegins) Add(TokenKind.NewLine, "line end");
        Indent(0);
        Add(TokenKind.End, "end");
        return _tokens;
    }

    private FormatException Error(string problem) => new($"({_line}, {_at - _lineStart + 1}): {problem}");

    private void Add(TokenKind kind, string text) => _tokens.Add(new Token(kind, text, _line, _at - _lineStart + 1));

    /// <summary>Skips spaces and a comment; gives the number of spaces at the start of a line.</summary>
    private int SkipBlank()
    {
        while (_at < source.Length && source[_at] is ' ' or '\r' or '\t') _at++;
        int width = _at - _lineStart;
        if (_at < source.Length && source[_at] == '#')
            while (_at < source.Length && source[_at] != '\n') _at++;
        return width;
    }

    private void NextLine()
    {
        _at++;
        _line++;
        _lineStart = _at;
    }

    private void Indent(int width)
    {
        if (width > _indents.Peek())
        {
            _indents.Push(width);
            Add(TokenKind.Indent, "deeper line");
        }

        while (width < _indents.Peek())
        {
            _indents.Pop();
            Add(TokenKind.Dedent, "end of the block");
        }

        if (width != _indents.Peek()) throw Error("the indentation fits no block around");
    }

    private void ReadWord()
    {
        int end = _at;
        while (end < source.Length && (char.IsAsciiLetterOrDigit(source[end]) || source[end] == '_')) end++;
        Add(TokenKind.Word, source[_at..end]);
        _at = end;
    }

    private void ReadNumber()
    {
        int start = _at, end = _at;
        while (end < source.Length && char.IsAsciiDigit(source[end])) end++;

        // Two dots are a range.
        if (end + 1 < source.Length && source[end] == '.' && char.IsAsciiDigit(source[end + 1]))
        {
            end++;
            while (end < source.Length && char.IsAsciiDigit(source[end])) end++;
        }

        if (end < source.Length && source[end] is 'e' or 'E')
        {
            end++;
            if (end < source.Length && source[end] is '+' or '-') end++;
            while (end < source.Length && char.IsAsciiDigit(source[end])) end++;
        }

        Add(TokenKind.Number, source[start..end]);
        _at = end;
    }

    private void ReadQuoted()
    {
        int end = source.IndexOf('`', _at + 1);
        if (end < 0) throw Error("a name in backticks does not end");
        _tokens.Add(new Token(TokenKind.Word, source[(_at + 1)..end], _line, _at - _lineStart + 1, Quoted: true));
        _at = end + 1;
    }

    private void ReadString()
    {
        StringBuilder text = new();
        int end = _at + 1;
        while (true)
        {
            if (end >= source.Length || source[end] == '\n') throw Error("a string does not end");
            char c = source[end++];
            if (c == '"') break;
            if (c != '\\')
            {
                text.Append(c);
                continue;
            }

            char escape = end < source.Length ? source[end++] : ' ';
            switch (escape)
            {
                case '"' or '\\': text.Append(escape); break;
                case 'n': text.Append('\n'); break;
                case 'u' when end + 4 <= source.Length
                    && ushort.TryParse(source.AsSpan(end, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code):
                    text.Append((char)code);
                    end += 4;
                    break;
                default: throw Error($"'\\{escape}' is no escape");
            }
        }

        Add(TokenKind.Text, text.ToString());
        _at = end;
    }

    private void ReadSymbol()
    {
        foreach (string symbol in Symbols)
        {
            if (string.CompareOrdinal(source, _at, symbol, 0, symbol.Length) != 0) continue;
            Add(TokenKind.Symbol, symbol);
            _at += symbol.Length;
            if (symbol is "(" or "[" or "{") _brackets++;
            if (symbol is ")" or "]" or "}") _brackets--;
            return;
        }

        throw Error($"'{source[_at]}' begins no token");
    }
}
