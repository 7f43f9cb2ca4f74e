using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>
/// transpose(slice(x)) → slice(transpose(x)) and cast(slice(x)) → slice(cast(x)) for what comes from outside the graph: channels of images are often swapped in another
/// order of axes than the convolution reads, which takes up the selection where it meets it.
/// </summary>
public static class InputSelection
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Transpose or Cast, Inputs: [{ Node: { Op: Slice slice, Inputs: [var x] } }] } || !InputArithmetic.IsFromOutside(x)) return null;
        if (node.Op is not Transpose transpose) return g.Add(slice, g.Add(node.Op, x));
        List<int> moved = [.. transpose.Permutation(x.Type.Rank)];
        long[] axes = [.. slice.Starts.Items.Select((_, i) => slice.Axes.Length == 0 ? i : slice.Axes[i] < 0 ? slice.Axes[i] + x.Type.Rank : slice.Axes[i])];
        return g.Add(slice with { Axes = [.. axes.Select(axis => (long)moved.IndexOf((int)axis))] }, g.Add(transpose, x));
    }
}
