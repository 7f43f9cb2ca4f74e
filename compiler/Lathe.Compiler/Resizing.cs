using System.Globalization;

namespace Lathe.Compiler;

/// <summary>How an image of any size becomes a model's input: bilinear, pixels as squares whose centres are sampled.</summary>
/// <param name="Mode"><c>stretch</c>: all of it, its aspect ratio lost; <c>letterbox</c>: all of it in the middle; <c>crop</c>: its middle.</param>
/// <param name="AlignCorners">True to let the centres of the corner pixels meet, not their outer edges; for stretch.</param>
/// <param name="Fill">What lies around a letterboxed image, as the pixels are in memory.</param>
public sealed record Resizing(string Mode, bool AlignCorners = false, float Fill = 0)
{
    /// <summary>The ways to resize.</summary>
    public static IReadOnlyList<string> Modes { get; } = ["stretch", "letterbox", "crop"];

    /// <summary>The text, equal for equal ways.</summary>
    public string Text => FormattableString.Invariant($"{Mode} {AlignCorners} {Fill:R}");

    /// <summary>Reads <c>[NAME:]letterbox,fill=114</c>. The last colon ends the name, since names of inputs may have colons.</summary>
    /// <returns>The input's name, empty for the only one, and the way.</returns>
    /// <exception cref="FormatException">It is something else.</exception>
    public static (string Input, Resizing Way) Parse(string text)
    {
        int at = text.LastIndexOf(':');
        string[] words = text[(at + 1)..].Split(',', StringSplitOptions.TrimEntries);
        if (!Modes.Contains(words[0])) throw new FormatException($"'{words[0]}' is not one of {string.Join(", ", Modes)}");
        bool alignCorners = false;
        float? fill = null;
        foreach (string word in words[1..])
        {
            if (word == "align_corners" && !alignCorners) alignCorners = true;
            else if (word.StartsWith("fill=", StringComparison.Ordinal) && fill is null && float.TryParse(word[5..], NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value)) fill = value;
            else throw new FormatException($"'{word}' is neither align_corners nor fill=NUMBER, or is given twice");
        }

        if (alignCorners && words[0] != "stretch") throw new FormatException($"align_corners does not keep an aspect ratio: it is for stretch, not {words[0]}");
        if (fill is not null && words[0] != "letterbox") throw new FormatException($"{words[0]} has nothing to fill");
        return (at < 0 ? "" : text[..at], new Resizing(words[0], alignCorners, fill ?? 0));
    }
}
