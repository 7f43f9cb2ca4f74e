using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>The first of two tensors where a condition holds and the second elsewhere, each with scale and zero point, broadcast.</summary>
public sealed class QLinearWhere : IComposite<QLinearWhere>
{
    private QLinearWhere()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearWhere", 9, 9, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        Quantized.Write(
            node, builder, builder.Add(new Where(), node.Inputs[0], Quantized.Read(node, builder, 1), Quantized.Read(node, builder, 4)), 7, node.Inputs[1].Type.Element);
}
