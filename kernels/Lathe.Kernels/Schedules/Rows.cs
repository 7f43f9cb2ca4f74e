using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Schedules;

/// <summary>
/// Schedules of several stages: softmax and normalisations. What the last stage reads of the others is computed row by row inside it, into
/// scratch memory; the axes that it indexes them by are the rows. The vector lies along whatever is fastest in memory: inside a row, where
/// reductions keep partial sums in its lanes, or across rows, of which as many are computed together.
/// </summary>
internal static class Rows
{
    /// <summary>The longest loop over vectors that becomes copies of its body.</summary>
    private const long MostUnrolled = 32;

    public static StageSchedule Schedule(Computation computation, Machine machine)
    {
        Stage last = computation.Stages[^1];
        HashSet<string> temporaries = [.. computation.Stages.Items.SkipLast(1).Select(s => s.Output.Name)];
        StageSchedule schedule = new(last);
        HashSet<Leaf> rowAxes = [.. last.Pure.Items.Where(a => IsRow(last, a, temporaries)).Select(a => schedule[a])];
        List<Leaf> leaves = [.. Leaves.FollowLayout(schedule)];
        bool IsRowLeaf(Leaf leaf) => rowAxes.Contains(leaf) || (leaf.OuterOf ?? leaf.InnerOf) is { } split && rowAxes.Contains(split.Parent);

        List<Leaf> rows = [.. leaves.Where(IsRowLeaf)], columns = [.. leaves.Where(l => !IsRowLeaf(l))];
        AccessAnalysis accesses = new(schedule);
        Leaf? vector = null;
        Leaf? fast = leaves.LastOrDefault();
        // Of short rows each is a lane.
        if (fast is { InnerOf: null } && columns.Contains(fast) && Maps.IsShort(fast, machine) && rows.LastOrDefault() is { InnerOf: null } row && !Maps.IsShort(row, machine)
            && accesses.IsVectorisable(row, machine.Lanes)) fast = row;
        if (fast is not null && accesses.IsVectorisable(fast, machine.Lanes))
        {
            List<Leaf> owner = rows.Contains(fast) ? rows : columns;
            if (fast.InnerOf is { } block)
            {
                if (block.Size % machine.Lanes == 0) vector = fast;
                owner.Remove(fast);
            }
            else
            {
                (Leaf outer, vector) = schedule.Split(fast, machine.Lanes, Tail.Mask);
                owner[owner.IndexOf(fast)] = outer;
            }

            if (vector is not null) schedule.Vectorise(vector);
            else owner.Add(fast);
        }

        // A last stage that only hands on, in a type that has no vectors, still leaves them to those before it.
        if (vector is null && last.Accumulators.Length == 0 && columns.All(c => c.Extent == IndexExpr.One) && rows.LastOrDefault() is { InnerOf: null } together && !Maps.IsShort(together, machine))
        {
            (rows[^1], Leaf each) = schedule.Split(together, machine.Lanes, Tail.Peel);
            columns.Add(each);
            schedule.Unroll(each);
        }

        List<Leaf> reduction = [.. Leaves.SplitReduction(schedule)];
        if (vector is null) Reductions.Partial(schedule, reduction, machine);
        List<Leaf> order = [.. rows, .. columns, .. reduction];
        if (vector is not null) order.Add(vector);
        schedule.Reorder([.. order]);
        if (rows.Count == 0) return schedule.ComputeProducersAt(null, s => Producer(s, machine));
        Leaf whole = schedule.Fuse([.. rows]);
        return schedule.Parallel(whole).ComputeProducersAt(whole, s => Producer(s, machine));
    }

    /// <summary>The schedule of a part of an earlier stage.</summary>
    private static StageSchedule Producer(Stage stage, Machine machine)
    {
        StageSchedule copying = new(stage);
        if (Maps.Transpose(copying, Leaves.FollowLayout(copying, Tail.Peel), machine, parallel: false)) return copying;
        StageSchedule schedule = new(stage);
        List<Leaf> pure = [.. Leaves.FollowLayout(schedule)];
        AccessAnalysis accesses = new(schedule);
        // Rows computed together come as a whole number of vectors.
        Leaf? together = pure.LastOrDefault(l => l.Extent.IsConstant && l.Extent.Value > 1 && l.Extent.Value % machine.Lanes == 0 && accesses.IsVectorisable(l, machine.Lanes));
        // What is no reduction rather lies along its own rows than be scattered over those computed together.
        if (together is not null && together != pure[^1] && stage.Accumulators.Length == 0 && accesses.Output.Coefficient(together.Variable) != 1
            && ((accesses.IsVectorisable(pure[^1], machine.Lanes, isMasked: true) && accesses.IsContiguous(pure[^1])) || accesses.CutsOf(pure[^1]) is not null)) together = null;
        if (together is null && Reductions.Partial(stage, machine, parallel: false) is { } partial) return partial;
        if (together is null && stage.Accumulators.Length == 0)
        {
            Maps.Walk(schedule, pure, machine, parallel: false);
            return schedule;
        }

        Leaves.SplitReduction(schedule);
        if (together is null) return schedule;
        schedule.Vectorise(together).MoveLast(together);
        // A step is an operation or two then, less than a loop around it.
        if (schedule.Order.LastOrDefault(l => l != together && l.Extent != IndexExpr.One) is { Extent: { IsConstant: true, Value: <= MostUnrolled } } inner) schedule.Unroll(inner);
        return schedule;
    }

    private static bool IsRow(Stage stage, Axis axis, HashSet<string> temporaries) =>
        stage.Accumulators.Items.SelectMany(a => new[] { a.Init, a.Update }).Append(stage.Result)
            .SelectMany(ExprWalk.All).OfType<Access>()
            .Any(a => temporaries.Contains(a.Tensor.Name) && a.Indices.Items.Any(i => i.DependsOn(axis.Variable)));
}
