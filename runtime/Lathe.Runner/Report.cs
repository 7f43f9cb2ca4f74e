using System.Globalization;
using System.Text.Json;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Runner;

/// <summary>The line of JSON that the top of Program.cs describes.</summary>
internal static class Report
{
    public static void Write(Utf8JsonWriter json, Session session, Measurement? measurement)
    {
        ModelInfo info = session.Model.Info;
        json.WriteStartObject();
        json.WriteString("model", info.Name);
        json.WriteString("isa", info.Isa.Name());
        json.WriteNumber("threads", info.Threads);
        json.WriteNumber("streams", session.Options.Streams);
        json.WriteNumber("requests", session.Requests.Count);
        json.WriteString("api", session.Options.Async ? "async" : "sync");
        Times(json, measurement);
        Number(json, "load_ms", session.LoadMs);
        Number(json, "first_inference_ms", session.FirstInferenceMs);
        Number(json, "peak_rss_mb", PeakRssMb());
        json.WriteNumber("arena_bytes", info.ArenaBytes);
        json.WriteNumber("weight_bytes", info.WeightBytes);
        json.WriteStartArray("warnings");
        foreach (string warning in info.Warnings) json.WriteStringValue(warning);
        json.WriteEndArray();
        Tensors(json, session.Requests[0]);
        Ran(json, session.Requests[0].Ran);
        if (measurement?.PeakGflops is { } peak)
        {
            Number(json, "peak_gflops", peak);
            Layers(json, session.Requests[0].Counters, peak * info.Threads);
        }

        json.WriteEndObject();
    }

    public static void TensorMembers(Utf8JsonWriter json, TensorInfo tensor, ReadOnlySpan<long> shape)
    {
        json.WriteString("name", tensor.Name);
        json.WriteString("dtype", tensor.Type.Name());
        json.WriteStartArray("shape");
        foreach (long dim in shape) json.WriteNumberValue(dim);
        json.WriteEndArray();
    }

    private static void Times(Utf8JsonWriter json, Measurement? measurement)
    {
        json.WriteNumber("iterations", measurement?.Iterations ?? 0);
        if (measurement is null || measurement.Iterations == 0)
        {
            json.WriteNull("latency_ms");
            json.WriteNull("throughput");
            json.WriteNull("allocated_bytes_per_inference");
            return;
        }

        Quantiles(json, "latency_ms", measurement.Latencies);
        if (measurement.Simulated.Length > 0) Quantiles(json, "simulated_ms", measurement.Simulated);
        Number(json, "throughput", measurement.Throughput);
        Number(json, "allocated_bytes_per_inference", measurement.AllocatedBytesPerInference);
    }

    private static void Quantiles(Utf8JsonWriter json, string name, double[] sorted)
    {
        json.WriteStartObject(name);
        Number(json, "min", sorted[0]);
        Number(json, "median", Measurement.Quantile(sorted, 0.5));
        Number(json, "p90", Measurement.Quantile(sorted, 0.9));
        Number(json, "p99", Measurement.Quantile(sorted, 0.99));
        json.WriteEndObject();
    }

    private static void Tensors(Utf8JsonWriter json, InferRequest request)
    {
        json.WriteStartArray("inputs");
        for (int i = 0; i < request.Model.Info.Inputs.Count; i++) Tensor(json, request.Model.Info.Inputs[i], request.InputShape(i));
        json.WriteEndArray();
        json.WriteStartArray("outputs");
        for (int i = 0; i < request.Model.Info.Outputs.Count; i++) Tensor(json, request.Model.Info.Outputs[i], request.OutputShape(i));
        json.WriteEndArray();
    }

    private static void Tensor(Utf8JsonWriter json, TensorInfo tensor, ReadOnlySpan<long> shape)
    {
        json.WriteStartObject();
        TensorMembers(json, tensor, shape);
        json.WriteEndObject();
    }

    private static void Ran(Utf8JsonWriter json, RunCounts ran)
    {
        json.WriteStartObject("ran");
        Counts(json, "devices", ran.Devices);
        Counts(json, "kernels", ran.Kernels);
        json.WriteString("isa", ran.Isa);
        Counts(json, "precisions", ran.Precisions);
        json.WriteStartArray("fallbacks");
        foreach (Fallback fallback in ran.Fallbacks)
        {
            json.WriteStartObject();
            json.WriteString("node", fallback.Node);
            json.WriteString("reason", fallback.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Counts(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, int> counts)
    {
        json.WriteStartObject(name);
        foreach ((string key, int count) in counts) json.WriteNumber(key, count);
        json.WriteEndObject();
    }

    private static void Layers(Utf8JsonWriter json, IReadOnlyList<StepCounter> counters, double peakGflops)
    {
        json.WriteStartArray("layers");
        foreach (StepCounter counter in counters)
        {
            double gflops = counter.MinMs > 0 ? 2.0 * counter.Macs / counter.MinMs / 1e6 : 0;
            json.WriteStartObject();
            json.WriteString("name", counter.Node);
            json.WriteString("op", counter.Op);
            json.WriteString("kernel", counter.Kernel);
            json.WriteString("device", counter.Device);
            json.WriteString("isa", counter.Isa);
            json.WriteString("precision", counter.Precision);
            json.WriteString("layout", counter.Layout);
            Number(json, "ms", counter.MinMs);
            json.WriteNumber("macs", counter.Macs);
            Number(json, "gflops", gflops);
            Number(json, "peak_share", gflops / peakGflops);
            json.WriteNumber("bytes", counter.Bytes);
            json.WriteNumber("count", counter.Count);
            json.WriteNumber("subgraph", counter.Subgraph);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Number(Utf8JsonWriter json, string name, double value) => json.WriteNumber(name, Math.Round(value, 5));

    /// <summary>The most memory the process ever held, in MB; 0 where the system does not tell.</summary>
    private static double PeakRssMb()
    {
        if (!File.Exists("/proc/self/status")) return 0;
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
        }

        return 0;
    }
}
