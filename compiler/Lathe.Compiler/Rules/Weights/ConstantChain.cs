using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>(x + c) + d → x + (c + d) and (x · c) · d → x · (c · d) for constants of float32 and float64.</summary>
public static class ConstantChain
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node.Op is not (Add or Mul) || node.OutputTypes[0].Element is not (ElementType.Float32 or ElementType.Float64)) return null;
        if (Patterns.WithConstant(node) is not var (inner, outer) || !g.IsReadOnce(inner) || inner.Op != node.Op) return null;
        if (Patterns.WithConstant(inner.Node) is not var (x, constant) || x.Constant is not null) return null;

        // Both constants broadcast to x alone, so that the two together do not become larger than it.
        if (!x.HasTypeOf(inner.Node) || !x.HasTypeOf(node)) return null;
        Node combined = g.Builder.AddNode(node.Op, constant, outer);
        TensorData[] result = node.Op.Evaluate([constant.Constant, outer.Constant], combined.OutputTypes);
        return g.Add(node.Op, x, g.Constant(result[0]));
    }
}
