using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>The product of two tensors, each with scale and zero point, broadcast.</summary>
public sealed class QLinearMul : IComposite<QLinearMul>
{
    private QLinearMul()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearMul", 7, 8, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        Quantized.Write(
            node, builder, builder.Add(new Mul(), Quantized.Read(node, builder, 0), Quantized.Read(node, builder, 3)), 6, node.Inputs[0].Type.Element);
}
