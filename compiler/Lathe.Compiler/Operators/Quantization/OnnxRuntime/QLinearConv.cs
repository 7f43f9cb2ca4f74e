using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>The standard convolution of bytes, of images whose channels are last if the node says so. Weights are as always.</summary>
public sealed class QLinearConv : IComposite<QLinearConv>
{
    private QLinearConv()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => Quantization.QLinearConv.Schema with { Domain = Quantized.Domain };

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        [Quantized.InOrder(node, builder, node.Inputs[0], x => Quantization.QLinearConv.Import(node with { Inputs = [x, .. node.Inputs.Skip(1)] }, builder)[0])];
}
