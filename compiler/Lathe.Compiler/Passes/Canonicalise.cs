using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Canonical;

namespace Lathe.Compiler.Passes;

/// <summary>Brings what can be written in several ways into one form, so that later rules have one pattern to look for.</summary>
public sealed class Canonicalise : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(
        nameof(Canonicalise),
        NoOperation.TryRewrite,
        NeutralElement.TryRewrite,
        SubtractConstant.TryRewrite,
        DivideByConstant.TryRewrite,
        SmallPower.TryRewrite,
        SumOfTwo.TryRewrite,
        Clamping.TryRewrite,
        ReshapeForms.TryRewrite,
        TransposeForms.TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rewriter.Run(graph, Rules, context);
}
