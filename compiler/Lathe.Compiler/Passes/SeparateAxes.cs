using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Sampling;

namespace Lathe.Compiler.Passes;

/// <summary>Large windows, and interpolations that make many elements of few, are walked one axis after the other where that gives the same.</summary>
public sealed class SeparateAxes : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(nameof(SeparateAxes), MaxPoolByAxes.TryRewrite, ResizeByAxes.TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rewriter.Run(graph, Rules, context);
}
