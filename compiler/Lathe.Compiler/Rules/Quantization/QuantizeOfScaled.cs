using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>
/// quantise(f(x), s) → quantise(f(x / s), 1) where f is linear, so that the division meets a scale or a constant, with which it is done when the model is compiled.
/// </summary>
public static class QuantizeOfScaled
{
    /// <summary>How far behind a quantisation what is scaled may lie: no network has so much between two of them.</summary>
    private const int MostDepth = 64;

    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node.Op is not QuantizeLinear { Precision: ElementType.Float32 } || node.Inputs[1].Constant is not { Count: 1 } scale) return null;
        double s = scale.GetDouble(0);
        if (s == 1 || !CanScale(node.Inputs[0], 1 / s, g, MostDepth) || node.Inputs[0].Type.Element != ElementType.Float32) return null;
        return g.Add(node.Op, [Scaled(node.Inputs[0], 1 / s, g), g.Numbers(ElementType.Float32, [1]), .. node.Inputs.Skip(2)]);
    }

    /// <summary>True if a value can be divided by dividing constants that it is made of.</summary>
    private static bool CanScale(Value value, double factor, Rewriting g, int depth)
    {
        if (value.Type.Element != ElementType.Float32 || depth == 0) return false;
        if (value.Constant is { } constant) return StaysNormal(constant, factor);
        if (!g.IsReadOnce(value) && value.Op is not DequantizeLinear) return false;
        Node node = value.Node;
        return node.Op switch
        {
            DequantizeLinear => node.Inputs[1].Constant is { } scale && StaysNormal(scale, factor),
            Mul => node.Inputs.FirstOrDefault(v => v.Constant is not null) is { IsNone: false, Constant: { } scale } && StaysNormal(scale, factor),
            Div => node.Inputs[1].Constant is { } divisor && StaysNormal(divisor, 1 / factor),
            Add or Sub => node.Inputs.All(v => CanScale(v, factor, g, depth - 1)),
            Clip => node.Inputs.Skip(1).All(v => v.IsNone || v.Constant is not null) && CanScale(node.Inputs[0], factor, g, depth - 1),
            Concat => node.Inputs.All(v => CanScale(v, factor, g, depth - 1)),
            Relu or LeakyRelu or GlobalAveragePool or AveragePool or MaxPool or Reshape or Transpose or Flatten or Squeeze or Unsqueeze or Identity or Resize { Mode: "linear" or "nearest", ExtrapolationValue: 0 } =>
                node.OutputTypes.Length == 1 && node.Inputs.Length == 1 && CanScale(node.Inputs[0], factor, g, depth - 1),
            _ => false,
        };
    }

    /// <summary>True if no element becomes infinite or too small for float32's precision.</summary>
    private static bool StaysNormal(TensorData constant, double factor) => constant.ToDoubles().All(x => x == 0 || Math.Abs(x * factor) is >= 1.2e-38 and <= 3.4e38);

    private static Value Scaled(Value value, double factor, Rewriting g)
    {
        if (value.Constant is { } constant) return g.Map(constant, x => x * factor);
        Node node = value.Node;
        switch (node.Op)
        {
            case DequantizeLinear:
                return g.Add(node.Op, [node.Inputs[0], Scaled(node.Inputs[1], factor, g), .. node.Inputs.Skip(2)]);
            case Mul:
                int at = node.Inputs[0].Constant is not null ? 0 : 1;
                return g.Add(node.Op, [.. node.Inputs.Select((v, i) => i == at ? Scaled(v, factor, g) : v)]);
            case Div:
                return g.Add(node.Op, node.Inputs[0], Scaled(node.Inputs[1], 1 / factor, g));
            default:
                return g.Add(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : Scaled(v, factor, g))]);
        }
    }
}
