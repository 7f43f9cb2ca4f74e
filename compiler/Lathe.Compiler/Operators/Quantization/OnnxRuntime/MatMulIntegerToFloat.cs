using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>A product of quantised matrices as a float, with a bias added. Scale and zero point of the right one are one, or one for each column.</summary>
public sealed class MatMulIntegerToFloat : IComposite<MatMulIntegerToFloat>
{
    private MatMulIntegerToFloat()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("MatMulIntegerToFloat", 4, 7, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value a = node.Inputs[0], b = node.Inputs[1];
        (Value aScale, Value aZero) = QuantizationParameters.ReadOne(node, builder, 2, 4, a.Type.Element);
        (Value bScale, Value bZero) = QuantizationParameters.Checked(node, builder, 3, 5, b.Type.Element);
        Value y = Product(builder, a, aScale, aZero, b, bScale, bZero, Value.None);
        return [node.Has(6) ? builder.Add(new Add(), y, node.Inputs[6]) : y];
    }

    /// <summary>The product of two quantised matrices, to whose sums an int32 is added, as a float.</summary>
    public static Value Product(GraphBuilder builder, Value a, Value aScale, Value aZero, Value b, Value bScale, Value bZero, Value bias)
    {
        Value sums = builder.Cast(builder.Add(new MatMulInteger(), a, b, aZero, bZero, bias), ElementType.Float32);
        return builder.Add(new Mul(), sums, builder.Add(new Mul(), aScale, bScale));
    }
}
