using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>
/// A product of a matrix of floats, quantised by its own range, and a quantised one, with a bias added. Scale and zero point of the right one are one, or one
/// for each column.
/// </summary>
public sealed class DynamicQuantizeMatMul : IComposite<DynamicQuantizeMatMul>
{
    private DynamicQuantizeMatMul()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("DynamicQuantizeMatMul", 3, 5, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value b = node.Inputs[1];
        (Value bScale, Value bZero) = QuantizationParameters.Checked(node, builder, 2, 3, b.Type.Element);
        (Value a, Value aScale, Value aZero) = DynamicQuantizeLinear.Quantize(builder, node.Inputs[0]);
        Value y = MatMulIntegerToFloat.Product(builder, a, aScale, aZero, b, bScale, bZero, Value.None);
        return [node.Has(4) ? builder.Add(new Add(), y, node.Inputs[4]) : y];
    }
}
