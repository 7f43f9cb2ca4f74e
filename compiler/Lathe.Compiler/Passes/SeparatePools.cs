using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Pooling;

namespace Lathe.Compiler.Passes;

/// <summary>Large windows of pools are walked one axis after the other, where that gives the same.</summary>
public sealed class SeparatePools : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(nameof(SeparatePools), MaxPoolByAxes.TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rewriter.Run(graph, Rules, context);
}
