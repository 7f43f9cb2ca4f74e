using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;
using Lathe.Runtime;

namespace Lathe.Kernels.Schedules;

/// <summary>
/// Schedules of convolutions that read what is computed just before, row by row of the last one's output, into scratch memory that stays near. Of convolutions
/// that follow one another rows that the next row of the output reads again stay in a ring. Rows of an image, which cost less to convert than to keep, are
/// computed anew for some rows of the output at a time.
/// </summary>
internal static class Strips
{
    /// <summary>The axis of rows: all convolutions have [n, c, h, w].</summary>
    private const int RowAxis = 2;

    /// <summary>What the rows of an image that are computed together may take: they stay in the first-level cache beside the weights.</summary>
    private const long ImageBytes = 32 << 10;

    /// <summary>Rows that are computed together, at most, and parts that are to be left for threads.</summary>
    private const long MostRows = 8, LeastParts = 16;

    /// <summary>Channels of a pixel, and rows, at most, whose elements of one column a map computes together.</summary>
    private const long MostChannels = 4, MostMapped = 4;

    public static StageSchedule Schedule(Computation computation, Machine machine)
    {
        Stage last = computation.Stages[^1];
        if (last.Accumulators.Length == 0) return OfRows(last, computation.Stages[0], machine);
        if (computation.Stages[0].Accumulators.Length == 0) return OfImage(last, computation.Stages[0], machine);
        StageSchedule schedule = Tiled(last, machine, last.Pure[RowAxis]);
        Leaf rows = schedule[last.Pure[RowAxis]];
        return schedule.MoveTo(0, rows).Parallel(rows).ComputeProducersAt(rows, s => Tiled(s, machine, s.Pure[RowAxis]), ring: RowAxis);
    }

    private static StageSchedule OfImage(Stage last, Stage image, Machine machine)
    {
        StageSchedule schedule = Tiled(last, machine, last.Pure[0], last.Pure[RowAxis]);
        Leaf rows = schedule[last.Pure[RowAxis]];
        if (Together(last, image) is > 1 and var together) (rows, _) = schedule.Split(rows, together, Tail.Peel);
        schedule.MoveTo(0, schedule[last.Pure[0]]).MoveTo(1, rows);
        Leaf parts = schedule.Fuse([.. schedule.Order.Take(2)]);
        return schedule.Parallel(parts).ComputeProducersAt(parts, s => Converted(s, machine));
    }

    /// <summary>Maps of rows that are computed before: what is found along a row is found once for some rows and for all channels.</summary>
    private static StageSchedule OfRows(Stage last, Stage rows, Machine machine)
    {
        StageSchedule schedule = new(last);
        Access read = ExprWalk.All(last.Result).OfType<Access>().First(a => a.Tensor.Name == rows.Output.Name);
        int rowAxis = rows.Output.Dims.Length - 2;
        // Of a single row there may be no axis of rows: then any may be divided.
        Axis row = last.Pure.Items.FirstOrDefault(a => read.Indices[rowAxis].DependsOn(a.Variable)) ?? last.Pure[0];
        List<Leaf> outside = [.. last.Pure.Items.Where(a => a != row && read.Indices.Items.Take(rowAxis).Any(i => i.DependsOn(a.Variable))).Select(a => schedule[a])];
        List<Leaf> inside = [.. last.Pure.Items.Select(a => schedule[a]).Where(l => l != schedule[row] && !outside.Contains(l)).OrderBy(l => l.Extent is { IsConstant: true, Value: <= MostChannels })];
        Leaf parts = schedule[row];
        if (row.Extent.IsConstant && Divisor(row.Extent.Value, MostMapped) is > 1 and var together)
        {
            (parts, Leaf each) = schedule.Split(parts, together, Tail.Peel);
            inside.Add(each);
        }

        schedule.Reorder([.. outside, parts, .. inside]);
        foreach (Leaf leaf in inside.Where(l => l.Extent is { IsConstant: true, Value: <= MostMapped })) schedule.Unroll(leaf);
        Leaf whole = schedule.Fuse([.. outside, parts]);
        return schedule.Parallel(whole).ComputeProducersAt(whole, s => Converted(s, machine));
    }

    /// <summary>The greatest divisor that is no greater than a limit.</summary>
    private static long Divisor(long value, long limit)
    {
        while (value % limit != 0) limit--;
        return limit;
    }

    private static StageSchedule Tiled(Stage stage, Machine machine, params IReadOnlyList<Axis> apart) =>
        Reductions.Tiled(stage, machine, Choice.First, contiguous: true, parallel: false, apart) ?? Reductions.Plain(stage, parallel: false);

    private static StageSchedule Converted(Stage stage, Machine machine)
    {
        StageSchedule schedule = new(stage);
        Maps.Walk(schedule, Leaves.FollowLayout(schedule), machine, parallel: false);
        return schedule;
    }

    /// <summary>How many rows of a convolution are computed of the same rows of its image: a divisor of all.</summary>
    private static long Together(Stage stage, Stage image)
    {
        IndexExpr rows = stage.Pure[RowAxis].Extent, row = IndexExpr.Product(image.Output.Dims.Items.Where((_, axis) => axis != 0 && axis != image.Output.Dims.Length - 2)) * image.Output.Element.Size();
        if (!rows.IsConstant || !row.IsConstant || row.Value == 0) return 1;
        // A row of the output spans as many rows of the image as they are apart from one to the next, at most.
        long most = Math.Min(MostRows, Math.Min(rows.Value / LeastParts, ImageBytes / row.Value / Math.Max(1, image.Output.Dims[^2].Value / rows.Value)));
        for (long together = most; together > 1; together--)
            if (rows.Value % together == 0) return together;
        return 1;
    }
}
