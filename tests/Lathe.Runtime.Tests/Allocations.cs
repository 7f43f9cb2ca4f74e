namespace Lathe.Runtime.Tests;

/// <summary>Counts what is allocated on all threads.</summary>
internal static class Allocations
{
    /// <summary>The least of several runs, since the test host allocates now and then; what the action allocates shows in every run.</summary>
    public static long Least(Action action)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 6; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            action();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return least;
    }
}
