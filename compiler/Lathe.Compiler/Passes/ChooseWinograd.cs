using Lathe.Compiler.Graph;
using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Weights;

namespace Lathe.Compiler.Passes;

/// <summary>Computes convolutions by Winograd's algorithm where that is faster. Their results differ from the direct sum's by rounding.</summary>
public sealed class ChooseWinograd : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(nameof(ChooseWinograd), ConvAsWinograd.TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) =>
        context.Options is { Optimize: true, Winograd: true } ? Rewriter.Run(graph, Rules, context) : graph;
}
