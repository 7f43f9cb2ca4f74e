using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Schedules;

/// <summary>Steps that all families' schedules begin and end with.</summary>
internal static class Leaves
{
    /// <summary>
    /// Splits pure axes as the output's layout does and puts them in its order, slowest first; axes beyond the layout stay in front.
    /// Reduction axes are split where a tensor that they index is, so that blocks are walked one after another.
    /// </summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="rest">What becomes of the rest of a last block that tensors are not padded to.</param>
    public static IReadOnlyList<Leaf> FollowLayout(StageSchedule schedule, Tail rest = Tail.Mask)
    {
        Stage stage = schedule.Stage;
        Dictionary<(int Axis, long Modulus), Leaf> levels = [];
        for (int d = 0; d < stage.Pure.Length; d++)
        {
            Leaf leaf = schedule[stage.Pure[d]];
            LayoutLevel? block = stage.Output.Layout.Levels.Items.FirstOrDefault(l => l.Axis == d && l.Modulus > 0 && l.Divisor == 1 && l.PadLow == 0);
            if (block is null)
            {
                levels[(d, 0)] = leaf;
                continue;
            }

            Tail tail = AccessAnalysis.IsPadded(stage, stage.Pure[d], block.Modulus) ? Tail.Pad : rest;
            (levels[(d, 0)], levels[(d, block.Modulus)]) = schedule.Split(leaf, block.Modulus, tail);
        }

        List<Leaf> order = [];
        foreach (LayoutLevel level in stage.Output.Layout.Levels)
            if (levels.Remove((level.Axis, level.Modulus), out Leaf? leaf)) order.Add(leaf);
        order.InsertRange(0, levels.OrderBy(l => l.Key.Axis).Select(l => l.Value));
        schedule.Reorder([.. order]);
        return order;
    }

    /// <summary>
    /// Splits the fastest axis of a row-major output where an operand is packed in panels along it, so that a panel is a vector of neighbours.
    /// </summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="pure">What <see cref="FollowLayout"/> gave.</param>
    public static IReadOnlyList<Leaf> SplitPanels(StageSchedule schedule, IReadOnlyList<Leaf> pure)
    {
        if (pure.Count == 0 || pure[^1].InnerOf is not null) return pure;
        Leaf fast = pure[^1];
        Axis axis = schedule.Stage.Pure.First(a => schedule[a] == fast);
        if (BlockOf(schedule.Stage, axis) is not { } panel) return pure;
        bool isWhole = axis.Extent.IsConstant && axis.Extent.Value % panel == 0;
        (Leaf panels, Leaf inPanel) = schedule.Split(fast, panel, isWhole ? Tail.Pad : Tail.Mask);
        return [.. pure.Take(pure.Count - 1), panels, inPanel];
    }

    /// <summary>Splits axes, other than the fastest, that a tensor read is in blocks of, so that inside a block its elements follow one another.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="pure">What <see cref="FollowLayout"/> gave.</param>
    public static IReadOnlyList<Leaf> SplitBlocks(StageSchedule schedule, IReadOnlyList<Leaf> pure)
    {
        List<Leaf> order = [];
        foreach (Leaf leaf in pure)
        {
            Axis? axis = schedule.Stage.Pure.Items.FirstOrDefault(a => schedule[a] == leaf);
            if (leaf == pure[^1] || axis is null || BlockOf(schedule.Stage, axis) is not { } size)
            {
                order.Add(leaf);
                continue;
            }

            (Leaf blocks, Leaf inBlock) = schedule.Split(leaf, size, Tail.Peel);
            order.AddRange([blocks, inBlock]);
        }

        return order;
    }

    /// <summary>Splits the reduction axes that some tensor holds in blocks. The blocks come first, then the other axes, then what is inside a block.</summary>
    public static IReadOnlyList<Leaf> SplitReduction(StageSchedule schedule)
    {
        Stage stage = schedule.Stage;
        List<Leaf> blocks = [], whole = [], inside = [];
        foreach (Axis axis in stage.Reduction)
        {
            if (BlockOf(stage, axis) is not { } block)
            {
                whole.Add(schedule[axis]);
                continue;
            }

            (Leaf outer, Leaf inner) = schedule.Split(schedule[axis], block, Tail.Peel);
            blocks.Add(outer);
            inside.Add(inner);
        }

        Leaf[] order = [.. blocks, .. whole, .. inside];
        schedule.Reorder(order);
        return order;
    }

    /// <summary>Fuses the first leaves into the parallel axis.</summary>
    public static void Parallel(StageSchedule schedule, int count)
    {
        if (count > 0) schedule.Parallel(schedule.Fuse([.. schedule.Order.Take(count)]));
    }

    private static long? BlockOf(Stage stage, Axis axis)
    {
        foreach (Access access in stage.Accumulators.Items.Select(a => a.Update).Append(stage.Result).SelectMany(ExprWalk.All).OfType<Access>())
        {
            for (int d = 0; d < access.Indices.Length; d++)
            {
                // The axis itself, or the channels of a group behind those of other groups.
                if (access.Indices[d].Coefficient(axis.Variable) != 1) continue;
                LayoutLevel? block = access.Tensor.Layout.Levels.Items.FirstOrDefault(l => l.Axis == d && l.Modulus > 0 && l.Divisor == 1 && l.PadLow == 0);
                if (block is not null) return block.Modulus;
            }
        }

        return null;
    }
}
