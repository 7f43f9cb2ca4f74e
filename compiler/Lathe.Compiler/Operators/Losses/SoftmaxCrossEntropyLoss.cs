using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Losses;

/// <summary>The negative log-likelihood loss of the log-softmax of scores along axis 1, which is the optional second output.</summary>
public sealed class SoftmaxCrossEntropyLoss : IComposite<SoftmaxCrossEntropyLoss>
{
    private SoftmaxCrossEntropyLoss()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("SoftmaxCrossEntropyLoss", 2, 3, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value scores = node.Inputs[0];
        if (!scores.Type.Element.IsFloat() || scores.Type.Rank < 2) throw node.Bad($"{scores.Type} is no tensor of scores");
        Value logarithms = builder.Add(new LogSoftmax(1), scores);
        return [NegativeLogLikelihoodLoss.Of(node, builder, logarithms, node.Inputs[1], node.Has(2) ? node.Inputs[2] : Value.None), logarithms];
    }
}
