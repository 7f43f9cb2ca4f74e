namespace Lathe.Cli.Arguments;

/// <summary>A number per channel of an input, as <c>--mean</c> and <c>--scale</c> give them.</summary>
/// <param name="Input">The input's name; empty for the only one.</param>
/// <param name="Values">The numbers, in the model's channel order.</param>
internal sealed record Channels(string Input, float[] Values)
{
    /// <summary>Reads <c>[NAME:]a,b,c</c>. The last colon ends the name, since names of inputs may have colons.</summary>
    /// <exception cref="FormatException">A number is none.</exception>
    public static Channels Parse(string text)
    {
        int at = text.LastIndexOf(':');
        return new Channels(at < 0 ? "" : text[..at], [.. text[(at + 1)..].Split(',', StringSplitOptions.TrimEntries).Select(Number)]);
    }

    /// <summary>Reads <c>[NAME:]a,b,c</c> for numbers that are divided by.</summary>
    /// <exception cref="FormatException">A number is none or is zero.</exception>
    public static Channels ParseDivisors(string text)
    {
        Channels channels = Parse(text);
        return channels.Values.Contains(0) ? throw new FormatException("a scale of 0 divides by zero") : channels;
    }

    private static float Number(string text) =>
        (float)Parsed.Finite(text) is var value && float.IsFinite(value) ? value : throw new FormatException($"'{text}' is too large");
}
