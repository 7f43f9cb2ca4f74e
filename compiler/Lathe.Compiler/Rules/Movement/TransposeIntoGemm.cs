using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;

namespace Lathe.Compiler.Rules.Movement;

/// <summary>gemm(transpose(a), b) → gemm'(a, b), gemm(a, transpose(b)) → gemm'(a, b), which read the other way.</summary>
public static class TransposeIntoGemm
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Gemm gemm, Inputs: [var a, var b, .. var c] }) return null;
        if (a.Node is { Op: Transpose, Inputs: [var x] } && Swaps(a)) return g.Add(gemm with { TransA = !gemm.TransA }, [x, b, .. c]);
        if (b.Node is { Op: Transpose, Inputs: [var y] } && Swaps(b)) return g.Add(gemm with { TransB = !gemm.TransB }, [a, y, .. c]);
        return null;
    }

    private static bool Swaps(Value matrix) => ((Transpose)matrix.Op).Permutation(2) is [1, 0];
}
