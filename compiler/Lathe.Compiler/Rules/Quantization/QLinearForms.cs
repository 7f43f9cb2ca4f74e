using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>
/// qLinearConv(x, w, b) → quantise(float(convInteger(x, w, b)) · factor), and the same for matrix products: what is multiplied and rounded is the same, and what follows
/// can be fused with it.
/// </summary>
public static class QLinearForms
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node.Op is not (QLinearConv or QLinearMatMul)) return null;
        (Value x, Value xScale, Value xZero, Value w, Value wScale, Value wZero, Value yScale, Value yZero) =
            (node.Inputs[0], node.Inputs[1], node.Inputs[2], node.Inputs[3], node.Inputs[4], node.Inputs[5], node.Inputs[6], node.Inputs[7]);
        if (w.Constant is null || xScale.Constant is not { Count: 1 } xs || wScale.Constant is not { } ws || yScale.Constant is not { Count: 1 } ys) return null;
        long[] dims = node.Op is QLinearConv ? [ws.Count, .. Enumerable.Repeat(1L, node.OutputTypes[0].Rank - 2)] : [ws.Count];
        if (ws.Count > 1 && node.Op is QLinearMatMul && (ws.Dims[^1] != ws.Count || w.Type.Rank != 2)) return null;
        float[] factors = [.. Enumerable.Range(0, ws.Count).Select(i => (float)xs.GetDouble(0) * (float)ws.GetDouble(i) / (float)ys.GetDouble(0))];
        Value bias = node.Inputs.ElementAtOrDefault(8);
        Value sum = node.Op is QLinearConv conv
            ? g.Add(new ConvInteger(conv.AutoPad, conv.Dilations, conv.Group, conv.KernelShape, conv.Pads, conv.Strides), x, w, xZero, wZero, bias)
            : g.Add(new MatMulInteger(), x, w, xZero, wZero, bias);
        Value scaled = g.Add(
            new Mul(), g.Add(new Cast(ElementType.Float32), sum), g.Constant(TensorData.Of<float>(ElementType.Float32, factors, factors.Length == 1 ? [] : dims)));
        return g.Add(new QuantizeLinear(node.OutputTypes[0].Element), scaled, g.Numbers(ElementType.Float32, [1]), yZero);
    }
}
