using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Lathe.Kernels.Targets;

/// <summary>
/// Writes indented text, four spaces a level. A hole of an interpolated string that holds several lines is indented to the column where
/// the hole starts, so that templates nest. Lines end in a line feed everywhere.
/// </summary>
public sealed class CodeWriter
{
    private readonly StringBuilder _text = new();
    private int _level;

    /// <summary>Writes one line or several; an empty string writes an empty line.</summary>
    public CodeWriter Line(string text = "")
    {
        foreach (string line in text.Split('\n'))
        {
            if (line.Length > 0) _text.Append(' ', 4 * _level).Append(line);
            _text.Append('\n');
        }

        return this;
    }

    /// <summary>Writes one line or several, with multi-line holes indented.</summary>
    public CodeWriter Line(ref Template template) => Line(template.ToString());

    /// <summary>Opens a block in braces.</summary>
    public CodeWriter Open(string head)
    {
        Line(head);
        Line("{");
        _level++;
        return this;
    }

    /// <summary>Closes a block in braces.</summary>
    public CodeWriter Close(string after = "")
    {
        _level--;
        return Line("}" + after);
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    /// <summary>Builds the text of an interpolated string.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct Template
    {
        private readonly StringBuilder _text;

        /// <summary>Called by the compiler.</summary>
        public Template(int literalLength, int formattedCount) => _text = new StringBuilder(literalLength + (formattedCount * 16));

        /// <summary>Called by the compiler.</summary>
        public void AppendLiteral(string text) => _text.Append(text);

        /// <summary>Called by the compiler.</summary>
        public void AppendFormatted<T>(T value)
        {
            string text = value is IFormattable formattable ? formattable.ToString(null, CultureInfo.InvariantCulture) : value?.ToString() ?? "";
            if (!text.Contains('\n', StringComparison.Ordinal))
            {
                _text.Append(text);
                return;
            }

            int start = _text.Length;
            while (start > 0 && _text[start - 1] != '\n') start--;
            int column = start;
            while (column < _text.Length && _text[column] == ' ') column++;
            _text.Append(text.Replace("\n", "\n" + new string(' ', column - start), StringComparison.Ordinal));
        }

        /// <inheritdoc/>
        public override string ToString() => _text.ToString();
    }
}
