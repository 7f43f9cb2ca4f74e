using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;

namespace Lathe.Compiler.Rules.Canonical;

/// <summary>transpose(transpose(x, p), q) → transpose(x, p∘q); a transpose that leaves every axis in place → x.</summary>
public static class TransposeForms
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Transpose outer, Inputs: [var x] }) return null;
        int[] permutation = outer.Permutation(x.Type.Rank);
        if (permutation.SequenceEqual(Enumerable.Range(0, permutation.Length))) return x;
        if (x.Node is not { Op: Transpose inner, Inputs: [var source] }) return null;
        int[] first = inner.Permutation(permutation.Length);
        return g.Add(new Transpose([.. permutation.Select(p => (long)first[p])]), source);
    }
}
