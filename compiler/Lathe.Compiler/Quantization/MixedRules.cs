using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Lathe.Compiler.Quantization;

/// <summary>Writes the layers that stay in a higher precision as rules, which give the same model again.</summary>
public static class MixedRules
{
    /// <summary>The rules for a model that was quantised.</summary>
    /// <param name="model">The model's name, for the first line.</param>
    /// <param name="quantized">The quantised model.</param>
    public static string Of(string model, QuantizedModel quantized) => Text(
        model, PrecisionNames.Int8, quantized.Samples, quantized.Mixed, quantized.Outputs.Min(o => o.SqnrDb), "at its own output", [],
        quantized.Kept.Where(k => k.SqnrDb is not null || quantized.Precisions.RuleOf(k.Node) is not null).Select(k => (k.Node, quantized.Precisions.RuleOf(k.Node)?.Value ?? k.Precision, k.SqnrDb)));

    /// <summary>The rules as text: a line of all nodes, what was asked for, and a line for each node that is kept, by name.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="precision">What the others have.</param>
    /// <param name="samples">How many samples there were.</param>
    /// <param name="mixed">How the layers were chosen; null if they were not searched for.</param>
    /// <param name="decibels">Then: the ratio of the outputs.</param>
    /// <param name="where">Where the ratios of layers are measured, in words.</param>
    /// <param name="rules">What was asked for and not searched.</param>
    /// <param name="kept">The layers with another precision, and their ratios.</param>
    internal static string Text(string model, string precision, int samples, MixedPrecision? mixed, double? decibels, string where, IReadOnlyList<NodeRule> rules, IEnumerable<(string Node, string Precision, double? Decibels)> kept)
    {
        StringBuilder text = new();
        string head = mixed is null
            ? string.Create(CultureInfo.InvariantCulture, $"{decibels:F1} dB")
            : string.Create(CultureInfo.InvariantCulture, $"{mixed.SqnrDbBefore:F1} dB with all layers so, {mixed.SqnrDb:F1} dB with {mixed.Kept} of {mixed.Candidates} in fp32, for {mixed.Budget}");
        text.Append(CultureInfo.InvariantCulture, $"# {OneLine(model)} in {precision} over {samples} samples: {head}\n/./ = {precision}\n");
        foreach (NodeRule rule in rules) text.Append(CultureInfo.InvariantCulture, $"{rule.Selector.Text} = {rule.Value}\n");
        foreach ((string node, string own, double? alone) in kept.OrderBy(k => k.Node, StringComparer.Ordinal))
        {
            text.Append('\n');
            if (alone is { } db) text.Append(CultureInfo.InvariantCulture, $"# {db:F1} dB {where} in {precision}\n");
            text.Append(CultureInfo.InvariantCulture, $"{SelectorOf(node)} = {own}\n");
        }

        return text.ToString();
    }

    /// <summary>What selects a node by its name, whatever the model calls it.</summary>
    private static string SelectorOf(string name)
    {
        bool isPlain = name.Trim() == name && name.Length > 0 && name[0] != '#' && !name.Any(char.IsControl) && name is not ['/', _, .., '/']
            && !name.StartsWith("op:", StringComparison.Ordinal) && !name.StartsWith("between:", StringComparison.Ordinal);
        return isPlain ? name : $"/^{string.Concat(name.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : Regex.Escape(c.ToString())))}$/";
    }

    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
}
