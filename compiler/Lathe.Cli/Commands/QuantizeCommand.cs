using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Cli.Quantization;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Quantization;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe quantize</c>: a model of floats becomes an ONNX model that multiplies bytes.</summary>
internal static class QuantizeCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = Actions.ModelArgument("The ONNX model, of float32.");
        Option<string> output = new("--output", "-o") { Description = "The ONNX file that is written.", HelpName = "Q.onnx", Required = true };
        Option<string?> rules = RulesOut();
        Command command = new("quantize", "Quantise an ONNX model with calibration samples.") { model, output, rules };
        ModelOptions options = ModelOptions.AddTo(command, compiles: false);
        return command.Does((parsed, cancellation) =>
        {
            ModelRequest request = options.Read(parsed, parsed.GetRequiredValue(model), terminal, runs: true, quantizes: true);
            if (request.IsCompiled) throw new UsageException($"'{request.Path}' is compiled already; this command takes an ONNX model");
            return Run(request, parsed.GetRequiredValue(output), parsed.GetValue(rules), terminal, cancellation);
        });
    }

    /// <summary>The option that names a file for the layers' precisions.</summary>
    public static Option<string?> RulesOut() => new("--rules-out") { Description = "Write the precision of each layer as rules, for --precision-rules.", HelpName = "FILE" };

    private static int Run(ModelRequest request, string output, string? rules, Terminal terminal, CancellationToken cancellation)
    {
        foreach (Diagnostic warning in request.Warnings) terminal.Report(request.Path, warning);
        if (request.Calibration is not { } calibration) throw new UsageException("option --calibration is needed");
        long start = Stopwatch.GetTimestamp();
        QuantizedModel quantized = calibration.Quantize(request, terminal, cancellation);
        double ms = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        foreach (Diagnostic warning in quantized.Warnings) terminal.Report(request.Path, warning);
        IReadOnlyList<string> files = OutputFiles.WriteFile(output, quantized.Onnx, request.Path);
        if (rules is not null) files = [.. files, .. OutputFiles.WriteFile(rules, Encoding.UTF8.GetBytes(MixedRules.Of(Path.GetFileName(request.Path), quantized)), request.Path)];
        Result result = new(
            files, quantized.Samples, quantized.Layers.Count, quantized.Layers, quantized.Kept, quantized.Outputs, quantized.Outputs.Min(o => o.SqnrDb), quantized.Mixed, ms,
            [.. request.Warnings.Concat(quantized.Warnings).Select(Message.Of)]);
        terminal.WriteResult(result, writer => Show(writer, result));
        return 0;
    }

    private static void Show(TextWriter writer, Result result)
    {
        foreach (string file in result.Files) writer.WriteLine(Terminal.Clean(file));
        if (result.Kept.Count > 0)
        {
            TextTable.Write(
                writer, ["in floats", "operator", "SQNR dB", "reason"],
                result.Kept.Select(k => (IReadOnlyList<string>)[k.Node, k.Op, k.SqnrDb is { } db ? Decibels(db) : "", k.Reason]));
        }

        TextTable.Write(writer, ["output", "SQNR dB", "equal"], result.Outputs.Select(o => (IReadOnlyList<string>)[o.Name, o.SqnrDb is { } db ? Decibels(db) : "", o.Equal is { } share ? share.ToString("P1", CultureInfo.InvariantCulture) : ""]));
        if (result.Mixed is { } mixed) writer.WriteLine(InWords(mixed));
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{result.Quantized} convolutions and products multiply bytes, {result.Kept.Count} floats; {result.Samples} samples, {result.QuantizeMs / 1000:F1} s"));
    }

    /// <summary>What a search came to, in a line.</summary>
    public static string InWords(MixedPrecision mixed) => string.Create(
        CultureInfo.InvariantCulture,
        $"{mixed.Kept} of {mixed.Candidates} layers in fp32 for {mixed.Budget}: {mixed.SqnrDbBefore:F1} dB without, {mixed.SqnrDb:F1} dB with{(mixed.LostPoints is { } lost ? $", {mixed.LostPointsBefore:F2} and {lost:F2} points of top-1 agreement lost" : "")}; {mixed.Trials} trials");

    private static string Decibels(double db) => db.ToString("F1", CultureInfo.InvariantCulture);

    private sealed record Result(
        IReadOnlyList<string> Files, int Samples, int Quantized, IReadOnlyList<QuantizedLayer> Layers, IReadOnlyList<KeptLayer> Kept, IReadOnlyList<OutputError> Outputs, double? SqnrDb, MixedPrecision? Mixed, double QuantizeMs, IReadOnlyList<Message> Warnings);
}
