namespace Lathe.Compiler.Quantization;

/// <summary>Which layers have their weights in 32 bits although 16 are asked for, so that a budget is kept to.</summary>
/// <param name="Report">How they were chosen.</param>
/// <param name="Rules">The rules that say so.</param>
/// <param name="Text">The same as text.</param>
public sealed record MixedWeights(MixedPrecision Report, IReadOnlyList<NodeRule> Rules, string Text);
