using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Canonical;
using Lathe.Compiler.Rules.Movement;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Moves transposes and reshapes behind element-wise operators: these then follow what computes their input, and what moves elements meets what
/// moves them back.
/// </summary>
public sealed class SinkMovement : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(
        nameof(SinkMovement),
        NoOperation.TryRewrite,
        ReshapeForms.TryRewrite,
        TransposeForms.TryRewrite,
        TransposeIntoGemm.TryRewrite,
        ElementwiseOfTranspose.TryRewrite,
        ElementwiseOfReshape.TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rewriter.Run(graph, Rules, context);
}
