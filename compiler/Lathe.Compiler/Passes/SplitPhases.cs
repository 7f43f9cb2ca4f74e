using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Weights;

namespace Lathe.Compiler.Passes;

/// <summary>Makes convolutions of transposed ones, behind which their results are shuffled into space. Sums differ by the order of their terms.</summary>
public sealed class SplitPhases : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(nameof(SplitPhases), ConvTransposeAsConv.TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rewriter.Run(graph, Rules, context);
}
