namespace Lathe.Cli.Conformance;

/// <summary>What a case may take.</summary>
/// <param name="Time">How much of a processor its compilation may take, and how much its run.</param>
/// <param name="Memory">How many bytes its process may hold.</param>
internal sealed record CaseLimits(TimeSpan Time, long Memory)
{
    /// <summary>The time that is enough for every case of ONNX's suite, the large networks included.</summary>
    public static TimeSpan DefaultTime { get; } = TimeSpan.FromSeconds(60);

    /// <summary>An equal share of the machine's memory for each process, and one for everything else.</summary>
    public static long DefaultMemory(int jobs) => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (jobs + 1);
}
