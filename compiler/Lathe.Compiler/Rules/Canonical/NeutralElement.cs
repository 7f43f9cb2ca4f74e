using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Rules.Canonical;

/// <summary>x + 0, x - 0, x · 1, x / 1, x¹ → x for floats, where the constant does not make x larger. Only the sign of a zero may differ.</summary>
public static class NeutralElement
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        double neutral;
        switch (node.Op)
        {
            case Add or Sub: neutral = 0; break;
            case Mul or Div or Pow: neutral = 1; break;
            default: return null;
        }

        if (Patterns.WithConstant(node) is not var (x, constant) || !x.HasTypeOf(node)) return null;
        if (node.Op is Sub or Div or Pow && node.Inputs[1] != constant) return null;
        return Patterns.Splat(constant) == neutral ? x : null;
    }
}
