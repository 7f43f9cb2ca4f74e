using System.CommandLine;
using System.Globalization;
using System.Text;
using Lathe.Cli.Arguments;
using Lathe.Cli.Machine;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Cli.Quantization;
using Lathe.Cli.Tuning;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Tuning;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe tune</c>: measures the candidates for a model's layers on this machine and writes down which are the fastest.</summary>
internal static class TuneCommand
{
    private const double DefaultSeconds = 3;

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = Actions.ModelArgument("The ONNX model.");
        Option<string?> output = new("--output", "-o") { Description = "The tuning record; one that is there keeps its other entries. Default: beside the model, with the ending .tuning.", HelpName = "FILE" };
        Option<double?> time = Parsed.One<double?>("--time", ["-t"], "SECONDS", "How long each candidate is measured, all rounds together. Default 3.", text => Parsed.NotNegative(text));
        Command command = new("tune", "Measure candidate schedules for the layers of a model and write the fastest to a tuning record.") { model, output, time };
        InputOptions inputs = InputOptions.AddTo(command);
        ModelOptions options = ModelOptions.AddTo(command, tuned: false);
        return command.Does((parsed, cancellation) =>
        {
            ModelRequest request = options.Read(parsed, parsed.GetRequiredValue(model), terminal, runs: true, defaultIsas: [Isas.FromEnvironment() ?? Isas.Best()]);
            if (request.IsCompiled) throw new UsageException($"'{request.Path}' is compiled already; this command takes an ONNX model");
            if (request.Options.Device != "CPU")
                throw new FailedException(request.Path, DiagnosticTable.BadOption, "--device", $"{request.Options.Device} is not available to this command, which measures the kernels of the CPU");
            string file = parsed.GetValue(output) ?? Path.ChangeExtension(request.Path, ".tuning");
            return Run(request, inputs.Read(parsed, request), file, parsed.GetValue(time) ?? DefaultSeconds, terminal, cancellation);
        });
    }

    private static int Run(ModelRequest request, InputSet inputs, string file, double seconds, Terminal terminal, CancellationToken cancellation)
    {
        foreach (Diagnostic warning in request.Warnings) terminal.Report(request.Path, warning);
        request = CalibrationRequest.Apply(request, terminal, cancellation);
        int threads = request.Threads ?? 1;
        TuningRecord record = Existing(file, threads);
        foreach (Isa isa in request.Options.Isas)
            if (!isa.IsAvailable()) throw new FailedException(request.Path, DiagnosticTable.BadOption, "--isa", $"this machine has no {isa.Name()}, and what is not there cannot be measured");
        List<Measured> measured = [];
        string folder = Directory.CreateTempSubdirectory("lathe-").FullName;
        try
        {
            foreach (Isa isa in request.Options.Isas)
            {
                string place = Path.Combine(folder, isa.Name());
                Directory.CreateDirectory(place);
                (IReadOnlyList<TuningEntry> entries, double before, double after) = terminal.Work(
                    $"tuning {Path.GetFileName(request.Path)}",
                    progress => new Tuner(request, inputs, isa, threads, seconds, place, progress, terminal, cancellation).Run());
                record = record.With(entries);
                measured.Add(new Measured(isa.Name(), entries.Count, entries.Count(e => !e.Chosen.IsDefault), before, after, [.. entries.Where(e => !e.Chosen.IsDefault).Select(Change.Of)]));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        OutputFiles.WriteFile(file, Encoding.UTF8.GetBytes(TuningFormat.Write(record)), request.Path);
        Result result = new(file, record.Cpu, threads, measured);
        terminal.WriteResult(result, writer => Show(writer, result));
        return 0;
    }

    /// <summary>What the file holds so far.</summary>
    private static TuningRecord Existing(string file, int threads)
    {
        string cpu = CpuDescription.ProcessorName();
        if (!File.Exists(file)) return new TuningRecord(cpu, threads, []);
        TuningRecord record = TuningFile.Read(file);
        return record.Cpu == cpu && record.Threads == threads
            ? record
            : throw new FailedException(
                file, DiagnosticTable.BadOption, "--output", $"the file has figures of '{record.Cpu}' on {record.Threads} threads, and these are of '{cpu}' on {threads}: give another file");
    }

    private static void Show(TextWriter writer, Result result)
    {
        foreach (Measured one in result.Isas)
        {
            if (one.Changes.Count > 0)
                TextTable.Write(
                    writer,
                    ["signature", "default", "us", "tuned", "us"],
                    one.Changes.Select(c => (IReadOnlyList<string>)[c.Signature, c.Default, Microseconds(c.DefaultUs), c.Choice, Microseconds(c.Us)]));
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{one.Isa}: {one.Changed} of {one.Entries} choices changed, an inference {one.DefaultMs:F3} -> {one.TunedMs:F3} ms"));
        }

        writer.WriteLine(Terminal.Clean(result.File));
    }

    private static string Microseconds(double us) => us.ToString("F1", CultureInfo.InvariantCulture);

    private sealed record Result(string File, string Cpu, int Threads, IReadOnlyList<Measured> Isas);

    private sealed record Measured(string Isa, int Entries, int Changed, double DefaultMs, double TunedMs, IReadOnlyList<Change> Changes);

    private sealed record Change(string Signature, string Default, double DefaultUs, string Choice, double Us)
    {
        public static Change Of(TuningEntry entry)
        {
            TuningFigure model = entry.Figures.First(f => f.IsDefault);
            return new Change(entry.Signature, model.Choice, model.Microseconds, entry.Chosen.Choice, entry.Chosen.Microseconds);
        }
    }
}
