using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Schedules;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>
/// gather(x, constant) → concat(slice(x), …) for what comes from outside the graph: channels of images in any order, or some of them twice, have the form of those that are
/// split and joined, which <see cref="ConvOfSelection"/> takes into weights.
/// </summary>
public static class GatherOfInput
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Gather gather, Inputs: [var x, { Constant: { Dims.Length: 1, Count: > 0 and < PackedLayouts.Panel } indices }] }) return null;
        int axis = (int)(gather.Axis < 0 ? gather.Axis + x.Type.Rank : gather.Axis);
        if (x.Type.Rank != 4 || !x.Type.Dims[axis].IsConstant || !InputArithmetic.IsFromOutside(x)) return null;
        long dim = x.Type.Dims[axis].Value;
        long[] places = [.. indices.ToInt64s().Select(i => Gather.Place(i, dim))];

        List<Value> parts = [];
        for (int from = 0, count; from < places.Length; from += count)
        {
            long step = from + 1 < places.Length ? places[from + 1] - places[from] : 1;
            count = 1;
            while (step != 0 && from + count < places.Length && places[from + count] == places[from] + (count * step)) count++;
            parts.Add(g.Add(Slice.Run(axis, places[from], count, step == 0 ? 1 : step), x));
        }

        return parts.Count == 1 ? parts[0] : g.Add(new Concat(axis), [.. parts]);
    }
}
