using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Schedules;

/// <summary>
/// Schedules of element-wise work and movement: loops in the order of the output's memory, axes that lie together collapsed, the fastest a
/// vector with a masked rest.
/// </summary>
internal static class Maps
{
    /// <summary>Elements that an iteration of the parallel axis should have, and that it has at least where there would be few iterations otherwise.</summary>
    private const long Grain = 4096, LeastGrain = 256, FewIterations = 8;

    public static StageSchedule Schedule(Stage stage, Machine machine)
    {
        StageSchedule copying = new(stage);
        if (Transpose(copying, Leaves.SplitBlocks(copying, Leaves.FollowLayout(copying, Tail.Peel)), machine)) return copying;
        StageSchedule schedule = new(stage);
        if (Walk(schedule, Leaves.FollowLayout(schedule), machine)) return schedule;
        // Blocks that are read across are vectors still, one block at a time.
        StageSchedule byPanels = new(stage);
        return Walk(byPanels, Leaves.SplitPanels(byPanels, Leaves.FollowLayout(byPanels)), machine) ? byPanels : schedule;
    }

    /// <summary>Schedules leaves in an order.</summary>
    /// <returns>True if there are vectors in it.</returns>
    public static bool Walk(StageSchedule schedule, IReadOnlyList<Leaf> leaves, Machine machine, bool parallel = true)
    {
        // Axes of one element are no neighbours of anything.
        List<Leaf> order = [.. leaves.OrderBy(l => l.Extent == IndexExpr.One ? 0 : 1)];
        if (order.Count == 0) return false;
        AccessAnalysis accesses = Collapse(schedule, order);
        // A few elements fill no vector; of many rows of them each is a lane, where there is more to do than to fetch and to scatter them.
        if (order.Count > 1 && ExprWalk.Any(schedule.Stage.Result, e => e is Unary { Op: > UnaryOp.Truncate }) && IsShort(order[^1], machine) && order[^2].Parts.Count == 0 && order[^1].InnerOf is null && accesses.IsVectorisable(order[^2], machine.Lanes, isMasked: true))
            (order[^2], order[^1]) = (order[^1], order[^2]);
        schedule.Reorder([.. order]);
        while (!accesses.IsVectorisable(order[^1], machine.Lanes, isMasked: true) && accesses.DigitOf(order[^1]) is { } digit)
        {
            (order[^1], Leaf low) = schedule.Split(order[^1], digit, Tail.Pad);
            order.Add(low);
            accesses = new AccessAnalysis(schedule);
        }

        Leaf fast = order[^1];
        Leaf? vector = null;
        bool isCut = false;
        if (order.Count > 1 && fast.Whole is null && fast.InnerOf is null && accesses.BordersOf(fast) is { } borders)
        {
            isCut = true;
            (order[^1], vector) = schedule.Split(fast, borders, machine.Lanes, Tail.Mask);
            order.Add(vector);
        }
        else if (accesses.IsVectorisable(fast, machine.Lanes, isMasked: true))
        {
            if (fast.InnerOf is { } split && split.Size % machine.Lanes == 0)
            {
                vector = fast;
            }
            else if (fast.Whole is null)
            {
                (order[^1], vector) = schedule.Split(fast, machine.Lanes, Tail.Mask);
                order.Add(vector);
            }
        }
        else if (order.Count > 1 && fast.Whole is null && accesses.CutsOf(fast) is { } cuts)
        {
            isCut = true;
            (order[^1], vector) = schedule.Split(fast, cuts, machine.Lanes, Tail.Mask);
            order.Add(vector);
        }

        if (vector is not null) schedule.Vectorise(vector);
        int loops = order.Count - (vector is null ? 0 : 1) - (isCut ? 1 : 0);
        if (parallel) Leaves.Parallel(schedule, Math.Max(1, Outer(order, loops)));
        return vector is not null;
    }

    /// <summary>Schedules a copy whose elements lie together along another leaf than where they are written: by blocks that are transposed in registers.</summary>
    /// <returns>True if it is one.</returns>
    public static bool Transpose(StageSchedule schedule, IReadOnlyList<Leaf> leaves, Machine machine, bool parallel = true)
    {
        List<Leaf> order = [.. leaves];
        if (order.Count < 2 || Collapse(schedule, order).Transposed(order, machine.Lanes) is not { } together) return false;
        Leaf fast = order[^1];
        (Leaf parts, Leaf rows) = schedule.Split(together, machine.Lanes, Tail.Peel);
        (Leaf more, Leaf columns) = schedule.Split(fast, machine.Lanes, Tail.Peel);
        order[order.IndexOf(together)] = parts;
        order[^1] = more;
        schedule.Vectorise(rows).Vectorise(columns).Reorder([.. order, rows, columns]);
        if (parallel) Leaves.Parallel(schedule, Math.Max(1, Outer([.. order, rows, columns], order.Count)));
        return true;
    }

    /// <summary>True for an axis that fills less than half a vector.</summary>
    public static bool IsShort(Leaf leaf, Machine machine) => leaf.Extent.IsConstant && leaf.Extent.Value * 2 <= machine.Lanes;

    /// <summary>Makes one of leaves that lie together.</summary>
    private static AccessAnalysis Collapse(StageSchedule schedule, List<Leaf> order)
    {
        AccessAnalysis accesses = new(schedule);
        for (int i = order.Count - 1; i > 0; i--)
        {
            if (!accesses.CanCollapse(order[i - 1], order[i])) continue;
            order[i - 1] = schedule.Collapse(order[i - 1], order[i]);
            order.RemoveAt(i);
            accesses = new AccessAnalysis(schedule);
        }

        return accesses;
    }

    /// <summary>As many loops as leave enough work inside one iteration.</summary>
    private static int Outer(List<Leaf> order, int loops)
    {
        IndexExpr inside = IndexExpr.One, before = IndexExpr.One;
        for (int i = order.Count - 1; i >= 0; i--)
        {
            before = inside;
            inside *= order[i].Extent;
            if (i >= loops || !inside.IsConstant || inside.Value < Grain) continue;
            IndexExpr iterations = IndexExpr.Product(order.Take(i).Select(l => l.Extent));
            bool isFew = iterations.IsConstant && iterations.Value < FewIterations;
            return Math.Max(1, isFew && before.Value >= LeastGrain ? i + 1 : i);
        }

        return Math.Max(1, loops - 1);
    }
}
