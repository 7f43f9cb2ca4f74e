using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Canonical;

/// <summary>x - c → x + (-c) for floats: exact.</summary>
public static class SubtractConstant
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g) =>
        node is { Op: Sub, Inputs: [var x, { Constant: { } c }] } && c.Element.IsFloat() ? g.Add(new Add(), x, g.Map(c, v => -v)) : null;
}
