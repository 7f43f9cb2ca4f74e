using Lathe.Compiler.Graph;
using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Weights;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Computes convolutions by Winograd's algorithm where that is faster. Their results differ from the direct sum's by rounding. A graph is one for all instruction sets:
/// of a tuning record the entries of the best of them count.
/// </summary>
public sealed class ChooseWinograd : IPass
{
    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => context.Options is { Optimize: true, Winograd: true }
        ? Rewriter.Run(graph, new RuleSet(nameof(ChooseWinograd), new ConvAsWinograd(context.Decisions, context.Options.Isas.Max()).TryRewrite), context)
        : graph;
}
