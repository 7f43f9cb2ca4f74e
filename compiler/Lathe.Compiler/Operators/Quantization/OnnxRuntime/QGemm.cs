using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>
/// α (A B + C) of quantised matrices, transposed if asked, and C an int32 of scale a_scale · b_scale. Quantised if there is a scale for it, otherwise a float.
/// </summary>
public sealed class QGemm : IComposite<QGemm>
{
    private QGemm()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QGemm", 6, 9, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value a = Matrix(0, "transA"), b = Matrix(3, "transB"), c = node.Has(6) ? node.Inputs[6] : Value.None;
        (Value aScale, Value aZero) = QuantizationParameters.ReadOne(node, builder, 1, 2, a.Type.Element);
        (Value bScale, Value bZero) = QuantizationParameters.Checked(node, builder, 4, 5, b.Type.Element);
        float alpha = AttributeReader.Get(node, "alpha", 1f);
        if (!(alpha > 0 && float.IsFinite(alpha))) throw AttributeReader.Wrong(node, "alpha", "it is not positive and finite");
        if (alpha != 1) aScale = builder.Add(new Mul(), aScale, builder.Number(ElementType.Float32, alpha));
        if (!node.Has(7)) return [MatMulIntegerToFloat.Product(builder, a, aScale, aZero, b, bScale, bZero, c)];

        if (!node.Has(8)) throw node.Bad("there is a scale for its output and no zero point");
        (Value yScale, Value yZero) = QuantizationParameters.ReadOne(node, builder, 7, 8, node.Inputs[8].Type.Element);
        return [builder.Add(new QLinearMatMul(), a, aScale, aZero.IsNone ? Nothing(a) : aZero, b, bScale, bZero.IsNone ? Nothing(b) : bZero, yScale, yZero, c)];

        Value Matrix(int input, string transposed)
        {
            Value matrix = node.Inputs[input];
            if (matrix.Type.Rank != 2) throw node.Bad($"{matrix.Type} is no matrix");
            return AttributeReader.Get(node, transposed, 0L) != 0 ? builder.Add(new Transpose([1, 0]), matrix) : matrix;
        }

        Value Nothing(Value of) => builder.Number(of.Type.Element, 0);
    }
}
