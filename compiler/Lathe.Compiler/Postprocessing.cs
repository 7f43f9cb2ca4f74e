using System.Globalization;
using Lathe.Kernels;

namespace Lathe.Compiler;

/// <summary>What is computed behind an output of the model, in order. The axis of softmax, argmax and topk is null where the user does not say it.</summary>
/// <param name="Steps">The steps.</param>
public sealed record Postprocessing(EquatableArray<Postprocessing.Step> Steps)
{
    private static readonly string[] Words =
        ["softmax", "sigmoid", "argmax", "topk", "dequantize", "nms", "axis", "zero", "iou", "score", "max", "center"];

    /// <summary>A step.</summary>
    public abstract record Step;

    /// <summary>e^x / Σ e^x along an axis.</summary>
    public sealed record Softmax(long? Axis) : Step;

    /// <summary>1 / (1 + e^-x).</summary>
    public sealed record Sigmoid : Step;

    /// <summary>The index of the greatest element along an axis, which the output does not have any more.</summary>
    public sealed record ArgMax(long? Axis) : Step;

    /// <summary>The greatest elements along an axis, best first; a further output has their indices.</summary>
    public sealed record TopK(long K, long? Axis) : Step;

    /// <summary>(x - zero) · scale; without a scale, what the model quantised the output with.</summary>
    public sealed record Dequantize(float? Scale, long Zero) : Step;

    /// <summary>
    /// Non-maximum suppression of boxes with scores; a further output has what is chosen, in rows of batch, class and box.
    /// </summary>
    /// <param name="Scores">The output with the scores, [batch, class, box] or [batch, box, class].</param>
    /// <param name="Iou">The greatest overlap, intersection over union, with a chosen box.</param>
    /// <param name="Score">The score that a box is above; null for any.</param>
    /// <param name="Max">How many boxes of a class are chosen at most.</param>
    /// <param name="IsCenter">Boxes are x, y, width, height with the centre's x and y, not two corners.</param>
    public sealed record Nms(string Scores, float Iou, float? Score, long Max, bool IsCenter) : Step;

    /// <summary>The steps as text, equal for equal steps.</summary>
    public string Text => string.Join(',', Steps.Select(step => step switch
    {
        Softmax(var axis) => Invariant($"softmax {axis}"),
        ArgMax(var axis) => Invariant($"argmax {axis}"),
        TopK(var k, var axis) => Invariant($"topk {k} {axis}"),
        Dequantize(var scale, var zero) => Invariant($"dequantize {scale:R} {zero}"),
        Nms nms => Invariant($"nms {nms.Scores} {nms.Iou:R} {nms.Score:R} {nms.Max} {nms.IsCenter}"),
        _ => step.GetType().Name,
    }));

    /// <summary>
    /// Reads <c>[NAME:]softmax,topk=5,axis=1</c>: steps in order, and what they need, after the first colon that a word of these follows, since names of outputs may have colons.
    /// </summary>
    /// <returns>The output's name, empty for the only one, and the steps.</returns>
    /// <exception cref="FormatException">It is something else.</exception>
    public static (string Output, Postprocessing Steps) Parse(string text)
    {
        int from = 0;
        while (!Words.Contains(text[from..].Split(',', '=')[0].Trim()))
        {
            int colon = text.IndexOf(':', from);
            if (colon < 0) throw new FormatException($"'{text}' has none of {string.Join(", ", Words)}");
            from = colon + 1;
        }

        return (from == 0 ? "" : text[..(from - 1)], Of(text[from..]));
    }

    private static Postprocessing Of(string text)
    {
        Dictionary<string, string> given = new(StringComparer.Ordinal);
        foreach (string word in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string key = word.Split('=')[0];
            bool hasValue = word.Length > key.Length;
            if (!Words.Contains(key)) throw new FormatException($"'{word}' is none of {string.Join(", ", Words)}");
            if (key != "dequantize" && hasValue == (key is "softmax" or "sigmoid" or "argmax" or "center")) throw new FormatException(hasValue ? $"'{key}' has no value" : $"'{key}' needs a value: {key}=…");
            if (!given.TryAdd(key, hasValue ? word[(key.Length + 1)..] : "")) throw new FormatException($"'{key}' is given twice");
        }

        HashSet<string> used = new(StringComparer.Ordinal);
        // A dictionary that nothing is removed from keeps the order.
        EquatableArray<Step> steps = given.Keys.Select(Make).OfType<Step>().ToEquatableArray();
        if (given.Keys.FirstOrDefault(key => !used.Contains(key)) is { } useless) throw new FormatException($"'{useless}' belongs to no step that is given");
        return new Postprocessing(steps);

        Step? Make(string key)
        {
            Step? step = key switch
            {
                "softmax" => new Softmax(Integer("axis")),
                "sigmoid" => new Sigmoid(),
                "argmax" => new ArgMax(Integer("axis")),
                "topk" => new TopK(Integer("topk", 1) ?? 0, Integer("axis")),
                "dequantize" when given["dequantize"].Length == 0 => new Dequantize(null, 0),
                "dequantize" => new Dequantize(Real("dequantize", float.Epsilon, float.MaxValue), Integer("zero") ?? 0),
                "nms" => new Nms(given["nms"], Real("iou", 0, 1) ?? 0.5f, Real("score", float.MinValue, float.MaxValue), Integer("max", 1) ?? 100, Use("center") is not null),
                _ => null,
            };
            if (step is not null) used.Add(key);
            return step;
        }

        string? Use(string key)
        {
            used.Add(key);
            return given.GetValueOrDefault(key);
        }

        long? Integer(string key, long min = long.MinValue)
        {
            if (Use(key) is not { } value) return null;
            return long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= min
                ? number
                : throw new FormatException($"'{key}={value}' is not an integer{(min > long.MinValue ? $" of at least {min}" : "")}");
        }

        float? Real(string key, float min, float max)
        {
            if (Use(key) is not { } value) return null;
            return float.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out float number) && number >= min && number <= max
                ? number
                : throw new FormatException($"'{key}={value}' is not a number{(min >= 0 ? max == 1 ? " from 0 to 1" : " above 0" : "")}");
        }
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
