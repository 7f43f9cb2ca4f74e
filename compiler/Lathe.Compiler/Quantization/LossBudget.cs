using System.Globalization;

namespace Lathe.Compiler.Quantization;

/// <summary>How much a lower precision may cost: points of top-1 agreement, as <c>0.5</c>, or the least ratio of signal to noise, as <c>30dB</c>.</summary>
/// <param name="Text">As the user wrote it.</param>
/// <param name="Points">The points of agreement that may be lost; null for a ratio.</param>
/// <param name="Decibels">The least ratio in dB; null for points.</param>
public sealed record LossBudget(string Text, double? Points, double? Decibels)
{
    private const string Unit = "dB";

    /// <summary>Reads a budget.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static LossBudget Parse(string text)
    {
        string number = text.Trim();
        bool isRatio = number.EndsWith(Unit, StringComparison.OrdinalIgnoreCase);
        if (isRatio) number = number[..^Unit.Length].Trim();
        if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !double.IsFinite(value) || value < 0 || (!isRatio && value > 100))
            throw new FormatException($"'{text}' is neither points of agreement such as 0.5, nor a ratio such as 30dB");
        return isRatio ? new(text, null, value) : new(text, value, null);
    }
}
