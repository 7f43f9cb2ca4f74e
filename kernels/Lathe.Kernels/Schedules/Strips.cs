using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Schedules;

/// <summary>
/// Schedules of convolutions that follow one another, of which one is depthwise: row by row of the last one's output, what it needs of those before it is
/// computed just before, into scratch memory that stays near. Rows that the next row of the output reads again stay in a ring.
/// </summary>
internal static class Strips
{
    /// <summary>The axis of rows: all stages have [n, c, h, w].</summary>
    private const int RowAxis = 2;

    public static StageSchedule Schedule(Computation computation, Machine machine)
    {
        Stage last = computation.Stages[^1];
        StageSchedule schedule = Tiled(last, machine);
        Leaf rows = schedule[last.Pure[RowAxis]];
        return schedule.MoveTo(0, rows).Parallel(rows).ComputeProducersAt(rows, s => Tiled(s, machine), ring: RowAxis);
    }

    private static StageSchedule Tiled(Stage stage, Machine machine) =>
        Reductions.Tiled(stage, machine, Choice.First, contiguous: true, parallel: false, apart: stage.Pure[RowAxis]) ?? Reductions.Plain(stage, parallel: false);
}
