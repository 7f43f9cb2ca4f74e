using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>argMax(dequantise(x)) → argMax(x), and the least alike: with one scale, the products are ordered as the integers are, and equal where they are.</summary>
public static class ArgOfDequantized
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g) =>
        // Of a scale that is no normal number, or so large that a product is infinite, several products are equal.
        node.Op is ArgOperator && Dequantized.Of(node.Inputs[0]) is { Scales: [>= 1.2e-38f and < 1e36f] } x ? g.Add(node.Op, g.Add(new Cast(ElementType.Int32), x.X)) : null;
}
