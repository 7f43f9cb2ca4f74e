using System.Globalization;
using Lathe.Cli.Accuracy;
using Lathe.Cli.Arguments;
using Lathe.Cli.Commands;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Cli.Tensors;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime;

namespace Lathe.Cli.Bench;

/// <summary>A model in several precisions, measured in turns, with what each costs in accuracy: the JSON of <c>lathe bench --precisions</c>.</summary>
/// <param name="Model">The model.</param>
/// <param name="Threads">The threads of an inference.</param>
/// <param name="Rounds">How often each was measured, in a fresh process each time.</param>
/// <param name="Precisions">Each, in the order in which they were asked for.</param>
internal sealed record PrecisionComparison(string Model, int Threads, int Rounds, IReadOnlyList<MeasuredPrecision> Precisions)
{
    /// <summary>How often each precision is measured: a machine that drifts does so for all of them.</summary>
    private const int Turns = 5;

    /// <summary>Reads a list of precisions.</summary>
    /// <exception cref="FormatException">One is unknown or there twice.</exception>
    public static IReadOnlyList<string> Parse(string text)
    {
        string[] names = text.Split(',', StringSplitOptions.TrimEntries);
        string? wrong = names.FirstOrDefault(n => n is not (PrecisionNames.Fp32 or PrecisionNames.Fp16 or PrecisionNames.Bf16 or PrecisionNames.Int8)) ?? names.GroupBy(n => n).FirstOrDefault(g => g.Count() > 1)?.Key;
        return wrong is null ? names : throw new FormatException($"'{wrong}' is not one of fp32, fp16, bf16 and int8, or is there twice");
    }

    /// <summary>True if one of the precisions is made with calibration samples.</summary>
    public static bool Quantizes(IReadOnlyList<string>? precisions) => precisions?.Contains(PrecisionNames.Int8) is true;

    /// <summary>Refuses what does not go with a list of precisions.</summary>
    /// <exception cref="UsageException">There is such an option, or one is missing.</exception>
    public static void Check(ModelRequest request, IReadOnlyList<string> precisions)
    {
        if (request.IsCompiled) throw new UsageException($"option --precisions is for compiling, and '{request.Path}' is compiled already");
        if (request.Options.Precision != PrecisionNames.Fp32 || request.Options.DevicePrecisions != DevicePrecisions.None) throw new UsageException("option --precisions does not go with --precision and -enforcebf16");
        if (request.Options.PrecisionRules.Count > 0) throw new UsageException($"option --precisions does not go with {NodePrecisions.Option}");
        if (Quantizes(precisions) && request.Calibration is null) throw new UsageException("int8 of option --precisions needs --calibration");
    }

    /// <summary>Compiles, measures and compares.</summary>
    /// <exception cref="FailedException">The model cannot be compiled or run.</exception>
    public static PrecisionComparison Run(
        ModelRequest request, IReadOnlyList<string> precisions, InputSet inputs, BenchSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        ModelRequest[] requests = [.. precisions.Select(request.In)];
        CompiledFile[] compiled = [.. requests.Select(r => CompileCache.OfUser().Get(r, terminal, cancellation))];
        string folder = Directory.CreateTempSubdirectory("lathe-").FullName;
        try
        {
            (Dictionary<string, string> files, Dictionary<string, long> dims, _) = BenchCommand.Prepare(requests[0], compiled[0], inputs, settings, folder, terminal);
            ModelRequest reference = request.InFloats();
            IReadOnlyList<NamedTensor> exact = Outputs(reference, CompileCache.OfUser().Get(reference, terminal, cancellation), inputs, terminal, out _);
            MeasuredPrecision[] measured = [.. requests.Select((r, i) => Compared(precisions[i], r, compiled[i], inputs, exact, terminal))];

            List<RunnerReport>[] reports = [.. precisions.Select(_ => new List<RunnerReport>())];
            BenchSettings turn = settings with { Seconds = settings.Seconds / Turns };
            QuietProcess.Await(cancellation);
            terminal.Work("measuring", progress =>
            {
                for (int round = 0; round < Turns; round++)
                {
                    for (int k = 0; k < requests.Length; k++)
                    {
                        // Every round begins with another: who comes after whom is not always the same.
                        int i = (round + k) % requests.Length;
                        progress.Report(($"measuring {precisions[i]}", (double)((round * requests.Length) + k) / (Turns * requests.Length)));
                        reports[i].Add(RunnerProcess.Measure(requests[i], compiled[i].Path, files, dims, inputs.Seed, turn, new Progress<(string, double)>(), terminal, cancellation));
                    }
                }

                return 0;
            });
            double[] medians = [.. reports.Select(r => Median(r.Select(x => x.LatencyMs?.Median ?? double.NaN)))];
            return new PrecisionComparison(
                Path.GetFileName(request.Path), settings.Threads, Turns,
                [
                    .. measured.Select((m, i) => m with
                    {
                        MinMs = reports[i].Min(r => r.LatencyMs?.Min ?? double.NaN),
                        MedianMs = medians[i],
                        Ratio = medians[i] / medians[0],
                        LoadMs = Median(reports[i].Select(r => r.LoadMs)),
                        PeakRssMb = Median(reports[i].Select(r => r.PeakRssMb)),
                    }),
                ]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Writes it for people.</summary>
    public void Show(TextWriter writer)
    {
        TextTable.Write(
            writer,
            ["precision", "min ms", "median ms", "ratio", "load ms", "memory MB", "weights", "made of them", "SQNR dB"],
            Precisions.Select(p => (IReadOnlyList<string>)
            [
                p.Precision, Number(p.MinMs, "F3"), Number(p.MedianMs, "F3"), Number(p.Ratio, "F3"), Number(p.LoadMs, "F1"), Number(p.PeakRssMb, "F1"), Terminal.Bytes(p.WeightBytes), Terminal.Bytes(p.PreparedBytes),
                string.Join(' ', p.Outputs.Select(o => o.IsEqual ? "equal" : Number(o.SqnrDb, "F1"))),
            ]));
        writer.WriteLine($"{Terminal.Clean(Model)}: {Threads} threads, {Rounds} rounds in turns; ratios of medians to {Precisions[0].Precision}; outputs on one input");
    }

    private static MeasuredPrecision Compared(string precision, ModelRequest request, CompiledFile compiled, InputSet inputs, IReadOnlyList<NamedTensor> exact, Terminal terminal)
    {
        IReadOnlyList<NamedTensor> outputs = Outputs(request, compiled, inputs, terminal, out ModelInfo info);
        ComparedOutput[] rows = [.. outputs.Zip(exact, (ours, theirs) =>
        {
            TensorError error = new(ours.Name);
            error.Add(ours.Data, theirs.Data);
            return new ComparedOutput(ours.Name, error.Sqnr, error.Cosine, error.MaxError, double.IsPositiveInfinity(error.Sqnr));
        })];
        return new MeasuredPrecision(precision, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, info.WeightBytes, info.PreparedBytes, rows);
    }

    private static IReadOnlyList<NamedTensor> Outputs(ModelRequest request, CompiledFile compiled, InputSet inputs, Terminal terminal, out ModelInfo info)
    {
        using CompiledModel model = Loader.Load(request, compiled, terminal);
        info = model.Info;
        return Loader.About(request.Path, () =>
        {
            using InferRequest filled = inputs.CreateRequest(model);
            filled.Infer();
            return InputSet.OutputsOf(filled);
        });
    }

    private static double Median(IEnumerable<double> values) => values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}

/// <summary>A precision that was measured. Milliseconds and megabytes are medians of the rounds, but for the least.</summary>
/// <param name="Precision">Its name.</param>
/// <param name="MinMs">The fastest inference of all rounds.</param>
/// <param name="MedianMs">The median of the rounds' medians.</param>
/// <param name="Ratio">That to the first precision's.</param>
/// <param name="LoadMs">Loading and the first request.</param>
/// <param name="PeakRssMb">The memory of the process.</param>
/// <param name="WeightBytes">The weights as they are deployed.</param>
/// <param name="PreparedBytes">What loading makes of them.</param>
/// <param name="Outputs">The outputs on one input, against fp32.</param>
internal sealed record MeasuredPrecision(
    string Precision, double MinMs, double MedianMs, double Ratio, double LoadMs, double PeakRssMb, long WeightBytes, long PreparedBytes, IReadOnlyList<ComparedOutput> Outputs);

/// <summary>An output in a lower precision; see <see cref="OutputAccuracy"/>.</summary>
internal sealed record ComparedOutput(string Name, double SqnrDb, double Cosine, double MaxError, bool IsEqual);
