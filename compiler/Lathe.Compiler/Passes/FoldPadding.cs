using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Padding;

namespace Lathe.Compiler.Passes;

/// <summary>Takes explicit padding into the convolutions and pools that read it.</summary>
public sealed class FoldPadding : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(nameof(FoldPadding), PadIntoWindow.TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rewriter.Run(graph, Rules, context);
}
