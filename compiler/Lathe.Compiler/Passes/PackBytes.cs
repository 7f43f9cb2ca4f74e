using Lathe.Compiler.Graph;
using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Quantization;

namespace Lathe.Compiler.Passes;

/// <summary>Gives sums of products of bytes the form that there are instructions for.</summary>
public sealed class PackBytes : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(nameof(PackBytes), ConvIntegerAsBytes.TryRewrite, MatMulIntegerAsBytes.TryRewrite, CastOfWhole.TryRewrite, ArgOfDequantized.TryRewrite, Unsigned.TryRewrite, MovementOfDequantized.TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => context.Options.Optimize ? Rewriter.Run(graph, Rules, context) : graph;
}
