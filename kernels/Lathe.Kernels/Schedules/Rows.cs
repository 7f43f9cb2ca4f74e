using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Schedules;

/// <summary>Schedules of several stages: what the last one reads of the others is computed row by row inside it.</summary>
internal static class Rows
{
    public static StageSchedule Schedule(Computation computation, Machine machine)
    {
        throw new NotSupportedException();
    }
}
