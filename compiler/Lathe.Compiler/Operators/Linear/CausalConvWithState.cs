using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// A convolution channel by channel along the last axis, in which a window of k ends at each element: before the first lie the last k - 1 elements of the
/// call before, or zeros. Inputs are x, w, the optional b and these elements; outputs are the result and the elements for the next call.
/// </summary>
public sealed class CausalConvWithState : IComposite<CausalConvWithState>
{
    private CausalConvWithState()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("CausalConvWithState", 2, 4, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0], w = node.Inputs[1];
        if (x.Type.Rank != 3 || w.Type.Rank != 3 || !w.Type.IsStatic || w.Type.Dims[2].Value < 1) throw node.Bad($"weights {w.Type} do not fit {x.Type}");
        long before = w.Type.Dims[2].Value - 1;
        IndexExpr length = x.Type.Dims[2];
        if (node.Has(3) && (node.Inputs[3].Type.Rank != 3 || node.Inputs[3].Type.Dims[2] != before)) throw node.Bad($"the state {node.Inputs[3].Type} does not have {before} elements");
        Value all = node.Has(3) ? builder.Add(new Concat(2), node.Inputs[3], x) : before == 0 ? x : builder.Add(new Pad([0, 0, before, 0, 0, 0]), x);
        Conv conv = new(Group: w.Type.Dims[0].Value);
        Value y = node.Has(2) ? builder.Add(conv, all, w, node.Inputs[2]) : builder.Add(conv, all, w);
        string activation = AttributeReader.Get(node, "activation", "none");
        if (activation is not ("none" or "silu" or "swish")) throw AttributeReader.Wrong(node, "activation", $"'{activation}' is unknown");
        if (activation != "none") y = builder.Add(new Swish(), y);
        return [y, builder.Add(new Slice([length], [length + before], [2]), all)];
    }
}
