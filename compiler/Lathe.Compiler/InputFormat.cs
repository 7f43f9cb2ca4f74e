using Lathe.Runtime;

namespace Lathe.Compiler;

/// <summary>How the application's memory for an image lies, as far as it is not as the model's input is.</summary>
/// <param name="Element">The element type; null for the model's.</param>
/// <param name="IsPlanar">True for NCHW, false for NHWC; null for the order of the model's axes.</param>
/// <param name="Order">The channels in memory: one of <see cref="Orders"/>; null for the model's.</param>
/// <param name="ModelOrder">The channels that the model was trained with; null for the default of their number: GRAY, RGB or RGBA.</param>
public sealed record InputFormat(ElementType? Element = null, bool? IsPlanar = null, string? Order = null, string? ModelOrder = null)
{
    /// <summary>Begins the word for the model's own channels.</summary>
    private const string ModelWord = "model=";

    private const string Planar = "RGBP";

    private static readonly Dictionary<string, ElementType> Elements = new()
    {
        ["u8"] = ElementType.UInt8,
        ["i8"] = ElementType.Int8,
        ["u16"] = ElementType.UInt16,
        ["f16"] = ElementType.Float16,
        ["f32"] = ElementType.Float32,
    };

    private static readonly string[] Layouts = ["NHWC", "NCHW"];

    /// <summary>The known orders of channels.</summary>
    public static IReadOnlyList<string> Orders { get; } = ["RGB", "BGR", "RGBA", "BGRA", "GRAY"];

    /// <summary>Reads words such as u8, NHWC and BGR, and model=BGR for a model that was trained so.</summary>
    /// <exception cref="FormatException">A word is not known, or two contradict each other.</exception>
    public static InputFormat Parse(string text)
    {
        InputFormat format = new();
        bool isPlanarOrder = false;
        foreach (string word in text.Split(',', StringSplitOptions.TrimEntries))
        {
            bool isNew;
            if (Elements.TryGetValue(word, out ElementType element)) (isNew, format) = (format.Element is null, format with { Element = element });
            else if (Layouts.Contains(word)) (isNew, format) = (format.IsPlanar is null, format with { IsPlanar = word == "NCHW" });
            else if (Orders.Contains(word)) (isNew, format) = (format.Order is null, format with { Order = word });
            else if (word == Planar) (isNew, isPlanarOrder, format) = (format.Order is null, true, format with { Order = "RGB" });
            else if (word.StartsWith(ModelWord, StringComparison.Ordinal) && Orders.Contains(word[ModelWord.Length..])) (isNew, format) = (format.ModelOrder is null, format with { ModelOrder = word[ModelWord.Length..] });
            else throw new FormatException($"'{word}' is not one of {string.Join(", ", [.. Elements.Keys, .. Layouts, .. Orders, Planar, ModelWord + "RGB", ModelWord + "BGR"])}");
            if (!isNew) throw new FormatException($"'{word}' contradicts a word before it");
        }

        if (isPlanarOrder && format.IsPlanar == false) throw new FormatException($"{Planar} are planes, which contradicts NHWC");
        return isPlanarOrder ? format with { IsPlanar = true } : format;
    }

    /// <summary>For each channel of the model that of the image which it reads.</summary>
    /// <param name="channels">How many the model has.</param>
    /// <exception cref="FormatException">The orders do not fit it or each other.</exception>
    public IReadOnlyList<int> Selection(int channels)
    {
        if (ModelOrder is not null && Letters(ModelOrder).Length != channels) throw new FormatException($"a model of {channels} channels does not take {ModelOrder}");
        if (Order is null) return [.. Enumerable.Range(0, channels)];
        string? model = ModelOrder ?? channels switch { 1 => "GRAY", 3 => "RGB", 4 => "RGBA", _ => null };
        if (model is null) throw new FormatException($"{Order} does not fit a model of {channels} channels");
        string image = Letters(Order);
        // One channel of gray is red, green and blue alike.
        return
        [
            .. Letters(model).Select(c => image.IndexOf(c) is >= 0 and var at ? at
                : image == "Y" && c != 'A' ? 0 : throw new FormatException($"{Order} has not the channels of a model that takes {model}")),
        ];
    }

    /// <summary>How many channels the image has.</summary>
    /// <param name="channels">How many the model has.</param>
    public int ImageChannels(int channels) => Order is null ? channels : Letters(Order).Length;

    /// <inheritdoc/>
    public override string ToString() => string.Join(',', new[]
    {
        Elements.FirstOrDefault(e => e.Value == Element).Key, IsPlanar is { } planar ? Layouts[planar ? 1 : 0] : null, Order, ModelOrder is null ? null : ModelWord + ModelOrder,
    }.Where(word => word is not null));

    private static string Letters(string order) => order == "GRAY" ? "Y" : order;
}
