using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Weights;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Takes arithmetic with constants before and after convolutions and matrix products into their weights. Results differ from the model's by the
/// rounding of float32 only; the constants are computed in float64.
/// </summary>
public sealed class FoldIntoWeights : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(
        nameof(FoldIntoWeights),
        BatchNormalizationForm.TryRewrite,
        ScaleOfConv.TryRewrite,
        OffsetOfConv.TryRewrite,
        ConvTransposeForms.TryRewrite,
        MatMulForms.TryRewrite,
        ConstantChain.TryRewrite,
        GatherOfInput.TryRewrite,
        InputArithmetic.TryRewrite,
        InputSelection.TryRewrite,
        ConvOfSelection.TryRewrite,
        ConvOfScale.TryRewrite,
        ConvOfOffset.TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rewriter.Run(graph, Rules, context);
}
