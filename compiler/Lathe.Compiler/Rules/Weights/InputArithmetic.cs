using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>
/// transpose(x + c, p) → transpose(x, p) + c', and the same for the other arithmetic with constants, for what comes from outside the graph: images
/// are often normalised in another order of axes than the convolution reads, which takes up the arithmetic only where it meets it.
/// </summary>
public static class InputArithmetic
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Transpose transpose, Inputs: [{ Node: { Op: Add or Sub or Mul or Div } arithmetic } result] }) return null;
        if (Patterns.WithConstant(arithmetic) is not var (x, constant) || !g.IsReadOnce(result) || !IsFromOutside(x) || !x.HasTypeOf(arithmetic)) return null;

        TensorData data = constant.Constant!;
        int[] permutation = transpose.Permutation(x.Type.Rank);
        long[] dims = [.. Enumerable.Repeat(1L, x.Type.Rank - data.Dims.Length), .. data.Dims];
        TensorType moved = TensorType.Of(data.Element, [.. permutation.Select(p => dims[p])]);
        Value after = g.Constant(transpose.Evaluate([data.Reshape(dims)], [moved])[0]), before = g.Add(transpose, x);
        return arithmetic.Inputs[0] == x ? g.Add(arithmetic.Op, before, after) : g.Add(arithmetic.Op, after, before);
    }

    /// <summary>True for an image that is not as the model sees it: of another type, or in another order of axes.</summary>
    public static bool IsConverted(Value x)
    {
        while (IsFromOutside(x) && x.Op is not Input)
        {
            if (x.Op is Cast or Transpose) return true;
            x = x.Node.Inputs.First(v => v.Constant is null);
        }

        return false;
    }

    /// <summary>True for an input of the graph, also behind casts, movements and arithmetic with constants.</summary>
    public static bool IsFromOutside(Value x)
    {
        while (true)
        {
            if (x.Op is Input) return true;
            if (x.Node is { Op: Cast or Transpose or Reshape or Slice or Expand, Inputs: [var source] }) x = source;
            else if (InputSelection.Source(x) is { } whole) x = whole;
            else if (x.Op is Add or Sub or Mul or Div && Patterns.WithConstant(x.Node) is var (operand, _)) x = operand;
            else return false;
        }
    }
}
