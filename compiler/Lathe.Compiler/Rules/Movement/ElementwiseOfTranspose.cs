using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;

namespace Lathe.Compiler.Rules.Movement;

/// <summary>f(transpose(x, p), transpose(y, p), c) → transpose(f(x, y, c'), p), with constants c moved the other way.</summary>
public static class ElementwiseOfTranspose
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        int rank = node.OutputTypes[0].Rank;
        if (node.Inputs.FirstOrDefault(v => !v.IsNone && v.Op is Transpose) is not { IsNone: false } first) return null;
        Transpose transpose = (Transpose)first.Op;
        int[] permutation = transpose.Permutation(first.Type.Rank);
        if (permutation.Length != rank) return null;

        Value? result = Mappable.Rewrite(node, g, value =>
        {
            if (value.Constant is { } constant) return MovedBack(constant, permutation, g);
            if (value.Node is not { Op: Transpose other, Inputs: [var x] } || value.Type.Rank != rank || !g.IsReadOnce(value)) return null;
            return other.Permutation(rank).SequenceEqual(permutation) ? x : null;
        });
        return result is { } moved ? g.Add(transpose, moved) : null;
    }

    /// <summary>The constant as it broadcasts to the input of the transpose.</summary>
    private static Value? MovedBack(TensorData constant, int[] permutation, Rewriting g)
    {
        if (constant.Strings is not null) return null;
        long[] dims = [.. Enumerable.Repeat(1L, permutation.Length - constant.Dims.Length), .. constant.Dims];
        long[] inverse = new long[permutation.Length];
        for (int i = 0; i < permutation.Length; i++) inverse[permutation[i]] = i;
        long[] moved = [.. inverse.Select(axis => dims[axis])];
        TensorData[] result = new Transpose(inverse).Evaluate([constant.Reshape(dims)], [TensorType.Of(constant.Element, moved)]);
        return g.Constant(result[0]);
    }
}
