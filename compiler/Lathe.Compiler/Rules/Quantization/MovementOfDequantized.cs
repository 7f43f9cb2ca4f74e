using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>move(dequantise(x)) → dequantise(move(x)), so that bytes are moved (the largest of bytes stands for the largest of what they stand for), and quantise(dequantise(x)) → x where both have the same scale and zero point.</summary>
public static class MovementOfDequantized
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        switch (node.Op)
        {
            case Transpose or Reshape or Flatten or Squeeze or Unsqueeze or Slice or DepthToSpace or SpaceToDepth or MaxPool
                when node.Inputs.Length == 1 && Dequantized.Of(node.Inputs[0]) is { Scales.Length: 1 } moved:
                Value bytes = g.Add(node.Op, moved.X);
                // Constants are moved at once: rules for weights look for constants.
                if (moved.X.Constant is { } data && bytes.Type.IsStatic) bytes = g.Constant(node.Op.Evaluate([data], [bytes.Type])[0]);
                return g.Add(node.Inputs[0].Op, [bytes, .. node.Inputs[0].Node.Inputs.Skip(1)]);
            case Concat:
                Dequantized?[] parts = [.. node.Inputs.Select(v => Dequantized.Of(v))];
                if (parts.Any(p => p is not { Scales.Length: 1 } || p.Scales[0] != parts[0]!.Scales[0] || p.Zeros[0] != parts[0]!.Zeros[0] || p.X.Type.Element != parts[0]!.X.Type.Element)) return null;
                return g.Add(node.Inputs[0].Op, [g.Add(node.Op, [.. parts.Select(p => p!.X)]), .. node.Inputs[0].Node.Inputs.Skip(1)]);
            case QuantizeLinear { Precision: ElementType.Float32 }
                when Dequantized.Of(node.Inputs[0]) is { Scales: [var scale], Zeros: [var zero] } same && same.X.Type.Element == node.OutputTypes[0].Element
                    && node.Inputs[1].Constant is { Count: 1 } s && (float)s.GetDouble(0) == scale
                    && (node.Inputs.Length > 2 && !node.Inputs[2].IsNone ? node.Inputs[2].Constant is { Count: 1 } z && z.GetInt64(0) == zero : zero == 0):
                return same.X;
            default:
                return null;
        }
    }
}
