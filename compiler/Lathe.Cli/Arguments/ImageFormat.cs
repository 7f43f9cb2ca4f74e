using Lathe.Compiler;

namespace Lathe.Cli.Arguments;

/// <summary>How the application's memory for an image lies, as <c>--input-format</c> says it.</summary>
/// <param name="Input">The input's name; empty for the only one.</param>
/// <param name="Format">The words after it.</param>
internal sealed record ImageFormat(string Input, InputFormat Format)
{
    /// <summary>Reads <c>[NAME:]u8,NHWC,BGR</c>. The last colon ends the name, since names of inputs may have colons.</summary>
    /// <exception cref="FormatException">A word is not known, or contradicts another.</exception>
    public static ImageFormat Parse(string text)
    {
        int at = text.LastIndexOf(':');
        return new ImageFormat(at < 0 ? "" : text[..at], InputFormat.Parse(text[(at + 1)..]));
    }
}
