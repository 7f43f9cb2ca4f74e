using System.Globalization;

namespace Lathe.Runtime;

/// <summary>The order of an image's axes in memory.</summary>
public enum ImageLayout
{
    /// <summary>Images, rows, pixels, channels: the channels of a pixel lie together.</summary>
    Nhwc,

    /// <summary>Images, channels, rows, pixels: planes.</summary>
    Nchw,
}

/// <summary>An image's channels in their order.</summary>
public enum ImageChannels
{
    /// <summary>One channel. A model that takes colours sees it as red, green and blue alike.</summary>
    Gray,

    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Blue, green, red.</summary>
    Bgr,

    /// <summary>Red, green, blue, and alpha, which a model of three channels does not see.</summary>
    Rgba,

    /// <summary>Blue, green, red, and alpha, which a model of three channels does not see.</summary>
    Bgra,
}

/// <summary>
/// How the images lie in memory that an application hands over for an input that was compiled as float32, and what the model wants of them; for <see cref="LatheOptions.InputFormats"/>. Before each inference one pass
/// makes <c>(x[c] - Mean[c]) / Scale[c]</c> of each element, in float32, channels and axes in the model's order. What is said when a model is compiled (<c>--input-format</c>, <c>--mean</c>, <c>--scale</c>) needs no
/// such pass. Immutable.
/// </summary>
public sealed record ImageFormat
{
    private static readonly string[] Orders = ["GRAY", "RGB", "BGR", "RGBA", "BGRA"];

    private readonly IReadOnlyList<float> _mean = [];
    private readonly IReadOnlyList<float> _scale = [];

    /// <summary>The elements in memory: uint8, int8, uint16, float16 or float32.</summary>
    public ElementType Type { get; init; } = ElementType.UInt8;

    /// <summary>The order of the axes in memory.</summary>
    public ImageLayout Layout { get; init; } = ImageLayout.Nhwc;

    /// <summary>The channels in memory.</summary>
    public ImageChannels Channels { get; init; } = ImageChannels.Rgb;

    /// <summary>The order of the axes of the model's input.</summary>
    public ImageLayout ModelLayout { get; init; } = ImageLayout.Nchw;

    /// <summary>The channels that the model was trained with; null for gray, RGB or RGBA, by their number.</summary>
    public ImageChannels? ModelChannels { get; init; }

    /// <summary>What is subtracted, for each channel in the model's order, in units of the image's elements; empty for nothing.</summary>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    public IReadOnlyList<float> Mean
    {
        get => _mean;
        init => _mean = Copied(value);
    }

    /// <summary>What is divided by after that, for each channel in the model's order, in units of the image's elements; empty for nothing.</summary>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    public IReadOnlyList<float> Scale
    {
        get => _scale;
        init => _scale = Copied(value);
    }

    /// <summary>In the words of <c>lathe</c>'s options, such as <c>u8,NHWC,BGR; mean 104,117,123</c>.</summary>
    public override string ToString()
    {
        string type = Type switch
        {
            ElementType.UInt8 => "u8",
            ElementType.Int8 => "i8",
            ElementType.UInt16 => "u16",
            ElementType.Float16 => "f16",
            ElementType.Float32 => "f32",
            _ => $"{Type}",
        };
        string text = $"{type},{(Layout == ImageLayout.Nhwc ? "NHWC" : "NCHW")},{Name(Channels)}";
        if (ModelChannels is { } model) text += $",model={Name(model)}";
        if (Mean.Count > 0) text += $"; mean {Joined(Mean)}";
        return Scale.Count > 0 ? $"{text}; scale {Joined(Scale)}" : text;
    }

    /// <summary>The name of an order of channels; its letters are the channels, but for <c>GRAY</c>.</summary>
    internal static string Name(ImageChannels channels) => (uint)channels < (uint)Orders.Length ? Orders[(int)channels] : $"{channels}";

    private static IReadOnlyList<float> Copied(IReadOnlyList<float> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return Array.AsReadOnly<float>([.. values]);
    }

    private static string Joined(IReadOnlyList<float> values) => string.Join(',', values.Select(v => v.ToString(CultureInfo.InvariantCulture)));
}
