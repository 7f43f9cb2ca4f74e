using System.Diagnostics;
using Lathe.Runtime;

namespace Lathe.Runner;

/// <summary>A loaded model and its requests with their inputs filled.</summary>
internal sealed class Session : IDisposable
{
    private Session(RunnerOptions options, CompiledModel model, InferRequest[] requests, double loadMs)
    {
        Options = options;
        Model = model;
        Requests = requests;
        LoadMs = loadMs;
    }

    public RunnerOptions Options { get; }

    public CompiledModel Model { get; }

    public IReadOnlyList<InferRequest> Requests { get; }

    /// <summary>What loading and the first request took.</summary>
    public double LoadMs { get; }

    public double FirstInferenceMs { get; private set; }

    /// <exception cref="UsageException">An input that is named is not there.</exception>
    /// <exception cref="LatheException">The model cannot be loaded.</exception>
    public static Session Open(RunnerOptions options)
    {
        long start = Stopwatch.GetTimestamp();
        CompiledModel model = CompiledModel.Load(
            options.Assembly,
            new LatheOptions { Threads = options.Threads, Isa = options.Isa, Profiling = options.Profiling, FlushDenormals = options.FlushDenormals, RequireDevice = options.RequireDevice ? true : null });
        InferRequest[] requests = new InferRequest[options.Requests];
        requests[0] = model.CreateRequest(options.Dims);
        double loadMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        for (int i = 1; i < requests.Length; i++) requests[i] = model.CreateRequest(options.Dims);
        foreach (string name in options.Inputs.Keys)
            if (model.Info.Inputs.All(input => input.Name != name)) throw new UsageException($"The model has no input '{name}'.");
        foreach (InferRequest request in requests) Fill(request, options);
        return new(options, model, requests, loadMs);
    }

    /// <summary>Runs the first inference, of the first request.</summary>
    public void First()
    {
        long start = Stopwatch.GetTimestamp();
        Requests[0].Infer();
        FirstInferenceMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    public void Dispose()
    {
        foreach (InferRequest request in Requests) request.Dispose();
        Model.Dispose();
    }

    private static void Fill(InferRequest request, RunnerOptions options)
    {
        for (int i = 0; i < request.Model.Info.Inputs.Count; i++)
        {
            TensorInfo input = request.Model.Info.Inputs[i];
            Span<byte> data = request.InputBytes(i);
            if (!options.Inputs.TryGetValue(input.Name, out string? file))
            {
                PseudoRandomFill.Fill(data, input.Type, input.Name, options.Seed);
                continue;
            }

            byte[] bytes = File.ReadAllBytes(file);
            if (bytes.Length != data.Length)
            {
                string shape = string.Join(',', request.InputShape(i).ToArray());
                throw new ArgumentException(
                    $"{file} has {bytes.Length} bytes; input '{input.Name}' of {shape} {input.Type.Name()} elements takes {data.Length}.");
            }

            bytes.CopyTo(data);
        }
    }
}
