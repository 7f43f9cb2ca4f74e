using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// A tensor as uint8 by the range of its elements, which 0 belongs to: scale = (max - min) / 255 and zero = saturate(round(-min / scale)). Where all are 0, the
/// scale is 1.
/// </summary>
public sealed class DynamicQuantizeLinear : IComposite<DynamicQuantizeLinear>
{
    private DynamicQuantizeLinear()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("DynamicQuantizeLinear", 1, 1, 3);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        if (x.Type.Element != ElementType.Float32) throw node.Bad($"{x.Type} has no float32");
        (Value y, Value scale, Value zero) = Quantize(builder, x);
        return [y, scale, zero];
    }

    /// <summary>The quantised tensor, its scale and its zero point.</summary>
    public static (Value Y, Value Scale, Value Zero) Quantize(GraphBuilder builder, Value x)
    {
        Value nothing = Number(0), most = Number(255);
        Value max = builder.Add(new Max(), builder.Add(new ReduceMax(Keepdims: false), x), nothing);
        Value min = builder.Add(new Min(), builder.Add(new ReduceMin(Keepdims: false), x), nothing);
        Value range = builder.Add(new Sub(), max, min);
        Value scale = builder.Add(new Where(), builder.Add(new Equal(), range, nothing), Number(1), builder.Add(new Div(), range, most));
        Value zero = builder.Add(new QuantizeLinear(), builder.Add(new Neg(), min), scale);
        return (builder.Add(new QuantizeLinear(), x, scale, zero), scale, zero);

        Value Number(double value) => builder.Number(ElementType.Float32, value);
    }
}
