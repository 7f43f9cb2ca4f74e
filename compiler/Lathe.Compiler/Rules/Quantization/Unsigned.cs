using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>
/// Signed bytes moved by 128, which are unsigned ones: what there are instructions for, and where a zero point of -128 becomes the 0 that borders in memory hold. dequantise
/// of signed bytes becomes dequantise of these, so that all that reads them reads the same.
/// </summary>
public static class Unsigned
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node.Op is not DequantizeLinear || node.Inputs[0].Type.Element != ElementType.Int8 || node.Inputs[1].Constant is not { Count: 1 }) return null;
        Value zero = node.Inputs.ElementAtOrDefault(2);
        if ((!zero.IsNone && zero.Constant is not { Count: 1 }) || !IsQuantized(node.Inputs[0])) return null;
        return g.Add(node.Op, Of(node.Inputs[0], g), node.Inputs[1], Zero(g, zero.Constant?.GetInt64(0) ?? 0));
    }

    /// <summary>True where it costs nothing: where the bytes are made by quantisation, and moved at most.</summary>
    public static bool IsQuantized(Value x) => IsQuantized(x, MostDepth);

    /// <summary>How many movements behind a quantisation are looked through.</summary>
    private const int MostDepth = 6;

    private static bool IsQuantized(Value x, int depth) => depth > 0 && x.Op switch
    {
        QuantizeLinear => x.Node.Inputs.Length < 3 || x.Node.Inputs[2].IsNone || x.Node.Inputs[2].Constant is { Count: 1 },
        Transpose or Reshape or Flatten or Squeeze or Unsqueeze or Slice or DepthToSpace or SpaceToDepth or MaxPool => x.Node.Inputs.Length == 1 && IsQuantized(x.Node.Inputs[0], depth - 1),
        Concat => x.Node.Inputs.All(v => IsQuantized(v, depth - 1)),
        _ => false,
    };

    /// <summary>Signed bytes as unsigned ones.</summary>
    public static Value Of(Value x, Rewriting g)
    {
        if (!IsQuantized(x)) return g.Add(new Cast(ElementType.UInt8), g.Add(new Add(), g.Add(new Cast(ElementType.Int32), x), g.Constant(TensorData.Of<int>(ElementType.Int32, [128]))));
        if (x.Op is not QuantizeLinear quantize) return g.Add(x.Op, [.. x.Node.Inputs.Select(v => Of(v, g))]);
        Value zero = x.Node.Inputs.ElementAtOrDefault(2);
        return g.Add(quantize with { OutputDtype = ElementType.UInt8 }, x.Node.Inputs[0], x.Node.Inputs[1], Zero(g, zero.Constant?.GetInt64(0) ?? 0));
    }

    private static Value Zero(Rewriting g, long signed)
    {
        TensorData zero = TensorData.Zeros(ElementType.UInt8, []);
        zero.SetInt64(0, signed + 128);
        return g.Constant(zero);
    }
}
