namespace Lathe.Cli.Arguments;

/// <summary>How the application's memory for an input looks, as <c>--input-format</c> says it.</summary>
/// <param name="Input">The input's name; empty for the only one.</param>
/// <param name="Words">Its words, such as u8, NHWC and BGR.</param>
internal sealed record InputFormat(string Input, IReadOnlyList<string> Words)
{
    private static readonly string[] Known = ["u8", "f32", "NCHW", "NHWC", "RGB", "BGR", "RGBA", "BGRA", "GRAY", "RGBP"];

    /// <summary>True if the memory is what the model's input is anyway.</summary>
    public bool IsPlain => Words.All(word => word is "f32" or "NCHW");

    /// <summary>Reads <c>[NAME:]u8,NHWC,BGR</c>.</summary>
    /// <exception cref="FormatException">A word is not known.</exception>
    public static InputFormat Parse(string text)
    {
        int at = text.LastIndexOf(':');
        string[] words = text[(at + 1)..].Split(',', StringSplitOptions.TrimEntries);
        foreach (string word in words)
            if (!Known.Contains(word)) throw new FormatException($"'{word}' is not one of {string.Join(", ", Known)}");
        return new InputFormat(at < 0 ? "" : text[..at], words);
    }
}
