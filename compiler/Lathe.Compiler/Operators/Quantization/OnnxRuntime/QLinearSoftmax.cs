using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Normalization;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>The softmax of a quantised tensor, by the opset that the node names.</summary>
public sealed class QLinearSoftmax : IComposite<QLinearSoftmax>
{
    private QLinearSoftmax()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearSoftmax", 5, 5, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        Quantized.Map(
            node,
            builder,
            x => Softmax.Import(node with { Opset = (int)Math.Clamp(AttributeReader.Get(node, "opset", 13L), 1, int.MaxValue), Inputs = [x] }, builder)[0]);
}
