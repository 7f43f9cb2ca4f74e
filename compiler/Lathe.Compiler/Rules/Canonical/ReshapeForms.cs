using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Rules.Canonical;

/// <summary>
/// flatten, squeeze, unsqueeze, and a transpose that moves only axes of length 1 → reshape; reshape(reshape(x)) → reshape(x); reshape(x) to its own
/// shape → x.
/// </summary>
public static class ReshapeForms
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g) => node switch
    {
        { Op: ReshapeOperator, Inputs: [var x] } when x.HasTypeOf(node) => x,
        { Op: ReshapeOperator, Inputs: [{ Node: { Op: ReshapeOperator, Inputs: [var x] } }] } => g.Add(new Reshape(node.OutputTypes[0].Dims), x),
        { Op: ReshapeOperator and not Reshape, Inputs: [var x] } => g.Add(new Reshape(node.OutputTypes[0].Dims), x),
        { Op: Transpose transpose, Inputs: [var x] } when MovesOnlyOnes(transpose, x) => g.Add(new Reshape(node.OutputTypes[0].Dims), x),
        _ => null,
    };

    private static bool MovesOnlyOnes(Transpose transpose, Value x)
    {
        int[] moved = [.. transpose.Permutation(x.Type.Rank).Where(axis => x.Type.Dims[axis] != IndexExpr.One)];
        return moved.SequenceEqual(moved.Order());
    }
}
