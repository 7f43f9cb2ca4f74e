using System.Text.Json.Serialization;
using Lathe.Cli.Models;

namespace Lathe.Cli.Bench;

/// <summary>The JSON of <c>lathe bench</c>. <c>latency_ms</c>, <c>throughput</c> and <c>allocated_bytes_per_inference</c> are null where the time was too short for one inference.</summary>
internal sealed record BenchResult(
    string Model,
    string Device,
    string Precision,
    string Kernels,
    int Threads,
    int Streams,
    int Requests,
    long Batch,
    string Api,
    string? Hint,
    long Iterations,
    Latency? LatencyMs,
    double? Throughput,
    double? CompileMs,
    double LoadMs,
    double FirstInferenceMs,
    double PeakRssMb,
    double? AllocatedBytesPerInference,
    RunReport Ran)
{
    /// <summary>What inferences would have taken with a simulated accelerator.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Latency? SimulatedMs { get; init; }

    /// <summary>With <c>-pc</c>: what one core did at most, in between.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? PeakGflops { get; init; }

    /// <summary>With <c>-pc</c>: the layers.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Layer>? Layers { get; init; }

    /// <summary>Puts together what the measuring process and the compilation say. Device, precision and kernels are those that ran.</summary>
    public static BenchResult Of(string model, BenchSettings settings, double? compileMs, RunnerReport report, RunReport ran)
    {
        ran.Add(report.Ran);
        return new BenchResult(
            model, RunReport.Names(ran.Devices), RunReport.Names(ran.Precisions), RunReport.Names(ran.Kernels), report.Threads, report.Streams, report.Requests,
            settings.Batch ?? report.Inputs.FirstOrDefault(input => input.Shape.Length > 1)?.Shape[0] ?? 1,
            report.Api, settings.Hint, report.Iterations, report.LatencyMs, report.Throughput, compileMs, report.LoadMs, report.FirstInferenceMs,
            report.PeakRssMb, report.AllocatedBytesPerInference, ran)
        {
            SimulatedMs = report.SimulatedMs,
            PeakGflops = report.PeakGflops,
            Layers = report.Layers,
        };
    }
}
