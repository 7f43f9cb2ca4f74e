namespace Lathe.Cli.Bench;

/// <summary>How is measured.</summary>
/// <param name="Asynchronous">InferAsync with all requests in flight, instead of Infer on each stream.</param>
/// <param name="Threads">How many threads an inference may use.</param>
/// <param name="Streams">How many inferences run at the same time.</param>
/// <param name="Requests">How many requests there are.</param>
/// <param name="Batch">The batch size that was asked for; null to leave it as it is.</param>
/// <param name="Seconds">How long to measure.</param>
/// <param name="Iterations">How many inferences to measure instead.</param>
/// <param name="PerLayer">Measure each layer and the machine's peak.</param>
/// <param name="Hint">latency, throughput, or null.</param>
internal sealed record BenchSettings(
    bool Asynchronous, int Threads, int Streams, int Requests, int? Batch, double Seconds, int? Iterations, bool PerLayer, string? Hint)
{
    /// <summary>Where the measurement takes its name in JSON from.</summary>
    public string Api => Asynchronous ? "async" : "sync";

    /// <summary>
    /// Fills in what was not asked for. A hint for latency gives one inference all processors, one for throughput as many streams as processors;
    /// without a hint there is one thread, one stream and one request.
    /// </summary>
    /// <exception cref="UsageException">There are fewer requests than streams.</exception>
    public static BenchSettings Of(
        string? api, int? threads, int? streams, int? requests, int? batch, double? seconds, int? iterations, bool perLayer, string? hint, int processors)
    {
        int perInference = threads ?? (hint == "latency" ? processors : 1);
        int atOnce = streams ?? (hint == "throughput" ? Math.Max(1, processors / perInference) : 1);
        int inFlight = requests ?? atOnce;
        if (inFlight < atOnce) throw new UsageException($"option -nireq: every stream takes a request of its own, so that {atOnce} streams take at least {atOnce}");
        return new BenchSettings(api == "async", perInference, atOnce, inFlight, batch, seconds ?? 5, iterations, perLayer, hint);
    }
}
