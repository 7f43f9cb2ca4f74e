using System.Globalization;

namespace Lathe.Cli.Arguments;

/// <summary>A shape of an input, as <c>--shape</c> gives it.</summary>
/// <param name="Input">The input's name.</param>
/// <param name="Text">The dims: numbers, names, or names with a value or range.</param>
internal sealed record InputShape(string Input, string Text)
{
    /// <summary>Reads <c>NAME=1,3,224,224</c>, where a dim may be <c>N</c> or <c>N=1..32</c>.</summary>
    /// <exception cref="FormatException">A dim is malformed.</exception>
    public static InputShape Parse(string text)
    {
        (string name, string dims) = Parsed.Pair(text);
        if (dims.Length > 0)
        {
            foreach (string dim in dims.Split(',', StringSplitOptions.TrimEntries))
                if (!IsDim(dim)) throw new FormatException($"'{dim}' in '{text}' is neither a number, a name, nor a name with a range such as N=1..32");
        }

        return new InputShape(name, dims);
    }

    private static bool IsDim(string dim)
    {
        if (IsNumber(dim)) return true;
        string[] parts = dim.Split('=');
        if (parts.Length > 2 || parts[0].Length == 0 || !(char.IsAsciiLetter(parts[0][0]) || parts[0][0] == '_')) return false;
        if (!parts[0].All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-')) return false;
        return parts.Length == 1 || parts[1].Split("..") is { Length: 1 or 2 } range && range.All(IsNumber);
    }

    private static bool IsNumber(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
