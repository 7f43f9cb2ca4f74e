using Lathe.Compiler.Rules;
using Lathe.Compiler.Rules.Quantization;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Turns quantised models, whose operators stand between dequantisation and quantisation, into sums of integers with one multiplication and one rounding behind each. It
/// runs before constants are folded, which would make floats of the weights. Results differ from the model's where a value lies within float32's rounding of a tie.
/// </summary>
public sealed class ComputeInIntegers : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(
        nameof(ComputeInIntegers),
        FunctionOfByte.TryRewrite,
        MovementOfDequantized.TryRewrite,
        QLinearForms.TryRewrite,
        ContractionOfDequantized.TryRewrite,
        QuantizeOfScaled.TryRewrite,
        QuantizeOfClamped.TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rewriter.Run(graph, Rules, context);
}
