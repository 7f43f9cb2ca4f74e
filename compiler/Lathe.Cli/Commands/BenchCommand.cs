using System.CommandLine;
using Lathe.Cli.Arguments;
using Lathe.Cli.Bench;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Cli.Precompilation;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe bench</c>: how fast a model is.</summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string?> argument = new("MODEL")
        {
            Description = "The ONNX model, or an assembly made by 'lathe compile'.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> option = new("-m", "--model") { Description = "The same as MODEL.", HelpName = "MODEL" };
        Option<string?> precompile = Parsed.Word(
            "--precompile", [], ["on", "off"], "Compile the kernels to machine code with the model, not when they first run. Default on where this build of lathe can.");
        Option<IReadOnlyList<string>?> precisions = Parsed.One<IReadOnlyList<string>?>(
            "--precisions", [], "LIST", "Compare fp32,fp16,bf16,int8 or some of them in turns, with their accuracy beside; int8 needs --calibration.", PrecisionComparison.Parse);
        Command command = new("bench", "Measure a model in a fresh process.") { argument, option, precompile, precisions };
        BenchOptions how = BenchOptions.AddTo(command);
        InputOptions inputs = InputOptions.AddTo(command);
        ModelOptions options = ModelOptions.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            string? model = parsed.GetValue(argument), again = parsed.GetValue(option);
            if (model is null == again is null) throw new UsageException(model is null ? "which model? Give MODEL or -m MODEL" : "give MODEL or -m MODEL, not both");
            ModelRequest request = how.Apply(parsed, options.Read(parsed, model ?? again!, terminal, runs: true, quantizes: PrecisionComparison.Quantizes(parsed.GetValue(precisions))));
            BenchSettings settings = how.Read(parsed, request);
            string? ahead = parsed.GetValue(precompile);
            request = request with { Threads = settings.Threads, Precompiled = Precompiled(ahead, request), MustPrecompile = ahead == "on" };
            if (settings.Batch is { } batch && !request.IsCompiled) request = BatchShapes.Apply(request, batch);
            if (parsed.GetValue(precisions) is not { } compared) return Run(request, inputs.Read(parsed, request), settings, terminal, cancellation);
            if (settings.PerLayer) throw new UsageException("option --precisions does not go with -pc");
            PrecisionComparison.Check(request, compared);
            foreach (Diagnostic warning in request.Warnings) terminal.Report(request.Path, warning);
            PrecisionComparison comparison = PrecisionComparison.Run(request, compared, inputs.Read(parsed, request), settings, terminal, cancellation);
            terminal.WriteResult(comparison, comparison.Show);
            return 0;
        });
    }

    private static Isa? Precompiled(string? asked, ModelRequest request)
    {
        if (asked == "on" && request.IsCompiled) throw new UsageException($"option --precompile is for compiling, and '{request.Path}' is compiled already");
        if (asked == "on" && Crossgen.Own is null) throw new FailedException(request.Path, DiagnosticTable.NotPrecompiled, "this build of lathe lacks crossgen2");
        if (asked == "off" || request.IsCompiled || Crossgen.Own is null) return null;
        Isa isa = Isas.FromEnvironment() ?? Isas.Best();
        return request.Options.Isas.Where(compiled => compiled <= isa).Order().Cast<Isa?>().LastOrDefault();
    }

    private static int Run(ModelRequest request, InputSet inputs, BenchSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        foreach (Diagnostic warning in request.Warnings) terminal.Report(request.Path, warning);
        CompiledFile compiled = CompileCache.OfUser().Get(request, terminal, cancellation);
        string folder = Directory.CreateTempSubdirectory("lathe-").FullName;
        try
        {
            (Dictionary<string, string> files, Dictionary<string, long> dims, IReadOnlyList<string> known) = Prepare(request, compiled, inputs, settings, folder, terminal);
            QuietProcess.Await(cancellation);
            RunnerReport report = terminal.Work(
                "measuring", progress => RunnerProcess.Measure(request, compiled.Path, files, dims, inputs.Seed, settings, progress, terminal, cancellation));
            Loader.Warn(request, report.Warnings, known, terminal);
            BenchResult result = BenchResult.Of(Path.GetFileName(request.Path), settings, compiled.CompileMs, report, new RunReport(request.Warnings));
            terminal.WriteResult(result, writer => Show(writer, result, request.Precompiled is not null));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Finds the dims and writes the given inputs as raw files: the measuring process reads no other. Tells what the runtime warns of.</summary>
    internal static (Dictionary<string, string> Files, Dictionary<string, long> Dims, IReadOnlyList<string> Warnings) Prepare(
        ModelRequest request, CompiledFile compiled, InputSet inputs, BenchSettings settings, string folder, Terminal terminal)
    {
        using CompiledModel model = Loader.Load(request, compiled, terminal);
        return Loader.About(request.Path, () =>
        {
            Dictionary<string, long> dims = inputs.DimsFor(model.Info);
            if (settings.Batch is { } batch && request.IsCompiled) SetBatch(model.Info, dims, batch);
            Dictionary<string, string> files = [];
            if (inputs.HasFiles)
            {
                using InferRequest filled = inputs.CreateRequest(model, dims);
                for (int i = 0; i < model.Info.Inputs.Count; i++)
                {
                    string name = model.Info.Inputs[i].Name;
                    files.Add(name, Path.Combine(folder, $"{i}.bin"));
                    File.WriteAllBytes(files[name], filled.InputBytes(i));
                }
            }

            return (files, dims, model.Info.Warnings);
        });
    }

    private static void SetBatch(ModelInfo info, Dictionary<string, long> dims, int batch)
    {
        PlanSymbol? named = info.Symbols.FirstOrDefault(symbol => info.Inputs.Any(input => input.Dims.Count > 0 && input.Dims[0].Text == symbol.Name));
        if (named is null ? info.Inputs.All(input => input.Dims.Count == 0 || input.Dims[0].Value != batch) : batch < named.Min || batch > named.Max)
        {
            string has = named is null ? "one batch size" : $"batches of {named.Min} to {named.Max}";
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadOption, null, "-b", $"the assembly was compiled for {has}, not {batch}"));
        }

        if (named is not null) dims[named.Name] = batch;
    }

    private static void Show(TextWriter writer, BenchResult result, bool precompiled)
    {
        if (result.Layers is { } layers)
        {
            TextTable.Write(
                writer,
                ["layer", "operators", "kernel", "layout", "ms", "MMACs", "GFLOP/s", "% of peak"],
                layers.Select(layer => (IReadOnlyList<string>)
                [
                    layer.Name, layer.Op, layer.Kernel, layer.Layout, layer.Ms.ToString("F4"), (layer.Macs / 1e6).ToString("F2"), layer.Gflops.ToString("F1"),
                    (100 * layer.PeakShare).ToString("F0"),
                ]));
            writer.WriteLine($"peak of one core: {result.PeakGflops:F1} GFLOP/s");
        }

        writer.WriteLine($"{Terminal.Clean(result.Model)}: {result.Kernels} kernels, {result.Ran.Isa}, {result.Threads} threads, {result.Streams} streams, {result.Requests} requests, batch {result.Batch}");
        if (result.LatencyMs is { } latency)
            writer.WriteLine($"latency     min {latency.Min:F3}  median {latency.Median:F3}  p90 {latency.P90:F3}  p99 {latency.P99:F3} ms over {result.Iterations}");
        if (result.SimulatedMs is { } simulated)
            writer.WriteLine($"simulated   min {simulated.Min:F3}  median {simulated.Median:F3}  p90 {simulated.P90:F3}  p99 {simulated.P99:F3} ms");
        writer.WriteLine($"throughput  {result.Throughput:F1} /s");
        writer.WriteLine($"start       load {result.LoadMs:F1}, first inference {result.FirstInferenceMs:F1} ms; {(precompiled ? "kernels precompiled" : "kernels by the JIT")}; compiled in {result.CompileMs?.ToString("F0") ?? "?"} ms");
        writer.WriteLine($"memory      {result.PeakRssMb:F1} MB, {result.AllocatedBytesPerInference:F1} bytes allocated per inference");
    }
}
