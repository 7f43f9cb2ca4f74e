using System.Text.Json.Serialization;
using Lathe.Runtime;

namespace Lathe.Cli.Bench;

/// <summary>What the measuring process prints; more than this it prints for other readers.</summary>
internal sealed record RunnerReport(
    int Threads,
    int Streams,
    int Requests,
    string Api,
    long Iterations,
    Latency? LatencyMs,
    double? Throughput,
    double LoadMs,
    double FirstInferenceMs,
    double PeakRssMb,
    double? AllocatedBytesPerInference,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<Tensor> Inputs,
    RunCounts Ran,
    Latency? SimulatedMs,
    double? PeakGflops,
    IReadOnlyList<Layer>? Layers);

/// <summary>Milliseconds of single inferences.</summary>
internal sealed record Latency(double Min, double Median, double P90, double P99);

/// <summary>An input as it was measured.</summary>
internal sealed record Tensor(string Name, string Dtype, long[] Shape);

/// <summary>A step of the plan: the milliseconds of its fastest execution and what follows from them.</summary>
internal sealed record Layer(
    string Name, string Op, string Kernel, string Device, string Precision, string Layout, double Ms, long Macs, double Gflops, double PeakShare, long Bytes)
{
    /// <summary>The number of its subgraph, from 1; 0 where the model is on one device.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Subgraph { get; init; }
}
