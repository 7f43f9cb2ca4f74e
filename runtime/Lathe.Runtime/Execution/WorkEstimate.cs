namespace Lathe.Runtime.Execution;

/// <summary>Decides which steps are worth dividing. The decision changes how long a step takes, never what it computes.</summary>
internal static class WorkEstimate
{
    // One core's rates, rounded: half of what the slowest vector unit in use reaches, and memory between L2 and DRAM.
    private const double MacsPerMicrosecond = 20_000;
    private const double BytesPerMicrosecond = 20_000;
    private const double WorthwhileMicroseconds = 10;

    /// <summary>Into how many slices a step of so much work is divided: 1 if it is too short to pay for waking another thread.</summary>
    public static int Slices(long macs, long traffic, long extent, int threads)
    {
        if (threads <= 1 || Math.Max(macs / MacsPerMicrosecond, traffic / BytesPerMicrosecond) < WorthwhileMicroseconds) return 1;
        return (int)Math.Min(extent, threads);
    }
}
