using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>
/// transpose(slice(x)) → slice(transpose(x)) and cast(slice(x)) → slice(cast(x)), and the same for slices that are joined, for what comes from outside the graph: channels of images are
/// often swapped in another order of axes than the convolution reads, which takes up the selection where it meets it.
/// </summary>
public static class InputSelection
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Transpose or Cast, Inputs: [var selected] } || Source(selected) is not { } x || !InputArithmetic.IsFromOutside(x)) return null;
        Value moved = g.Add(node.Op, x);
        if (selected.Op is Slice slice) return Sliced(slice);
        Concat concat = (Concat)selected.Op;
        return g.Add(new Concat(AxisAfter(concat.Axis)), [.. selected.Node.Inputs.Select(part => Sliced((Slice)part.Op))]);

        Value Sliced(Slice slice) => g.Add(slice with { Axes = [.. slice.Starts.Items.Select((_, i) => AxisAfter(slice.Axes.Length == 0 ? i : slice.Axes[i]))] }, moved);

        long AxisAfter(long axis)
        {
            int before = (int)(axis < 0 ? axis + x.Type.Rank : axis);
            return node.Op is Transpose transpose ? transpose.Permutation(x.Type.Rank).ToList().IndexOf(before) : before;
        }
    }

    /// <summary>What a value is a slice of, or slices joined; null for what is neither.</summary>
    public static Value? Source(Value selected) => selected.Node switch
    {
        { Op: Slice, Inputs: [var x] } => x,
        { Op: Concat, Inputs: [{ Node: { Op: Slice, Inputs: [var x] } }, ..] } joined when joined.Inputs.All(part => part.Node is { Op: Slice, Inputs: [var other] } && other == x) => x,
        _ => null,
    };
}
