using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Rules.Canonical;

/// <summary>sum(a, b) → a + b.</summary>
public static class SumOfTwo
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g) => node is { Op: Sum, Inputs: [var a, var b] } ? g.Add(new Add(), a, b) : null;
}
