using System.Diagnostics;

namespace Lathe.Cli.Bench;

/// <summary>
/// Waits until this process rests: for seconds after a compilation the runtime goes on to improve the compiler's own code on another core, which a
/// measurement would feel.
/// </summary>
internal static class QuietProcess
{
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(100), Resting = TimeSpan.FromMilliseconds(10), Longest = TimeSpan.FromSeconds(10);

    /// <summary>The runtime waits for a tenth of a second without new code before it begins; a rest is longer than that.</summary>
    private const int RestingWindows = 3;

    /// <summary>Waits, but not for ever.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void Await(CancellationToken cancellation)
    {
        using Process self = Process.GetCurrentProcess();
        TimeSpan before = self.TotalProcessorTime;
        long start = Stopwatch.GetTimestamp();
        for (int resting = 0; resting < RestingWindows && Stopwatch.GetElapsedTime(start) < Longest;)
        {
            if (cancellation.WaitHandle.WaitOne(Window)) throw new OperationCanceledException(cancellation);
            self.Refresh();
            TimeSpan now = self.TotalProcessorTime;
            resting = now - before < Resting ? resting + 1 : 0;
            before = now;
        }
    }
}
