using System.CommandLine;
using System.Globalization;
using System.Text;
using Lathe.Cli.Accuracy;
using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe accuracy</c>: what a lower precision costs, at the outputs and layer by layer.</summary>
internal static class AccuracyCommand
{
    /// <summary>How many layers the table has.</summary>
    private const int Shown = 20;

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = Actions.ModelArgument("The ONNX model, or with --against an assembly made by 'lathe compile'.");
        Option<string> data = new("--data") { Description = "The samples: a folder with test_data_set_*, with a folder for each or with .npy, .pb or .bin files; or one such file.", HelpName = "DIR", Required = true };
        Option<string?> against = new("--against") { Description = "The model to compare with, in fp32; outputs only. Default: the model itself in fp32.", HelpName = "MODEL" };
        Option<string?> labels = new("--labels") { Description = "The right class of each sample in order: a number a line, or a .bin with a byte each.", HelpName = "FILE" };
        Option<string?> plot = new("--plot") { Description = "Draw the ratios of signal to error, as SVG, or HTML if FILE ends in .html.", HelpName = "FILE" };
        Option<int?> layers = Parsed.One<int?>("--layers", [], "N", $"On how many samples layers are compared; 0 for none. Default {AccuracyRun.DefaultLayerSamples}.", text => Parsed.NotNegative(text) is var n && n == (int)n ? (int)n : throw new FormatException($"'{text}' is no whole number"));
        Option<AccuracyBudget?> budget = Parsed.One<AccuracyBudget?>("--accuracy-budget", [], "B", "Fail if more is lost: points of top-1 agreement, or a least ratio such as 30dB; ,warn behind it only warns.", AccuracyBudget.Parse);
        Command command = new("accuracy", "Compare a model in a lower precision with itself in fp32.") { model, data, against, labels, plot, layers, budget };
        ModelOptions options = ModelOptions.AddTo(command, namesClasses: false);
        return command.Does((parsed, cancellation) =>
        {
            ModelRequest request = options.Read(parsed, parsed.GetRequiredValue(model), terminal, runs: true);
            IReadOnlyList<int>? classes = parsed.GetValue(labels) is { } file ? ClassLabels.Read(file) : null;
            int layerSamples = parsed.GetValue(layers) ?? AccuracyRun.DefaultLayerSamples;
            string folder = parsed.GetRequiredValue(data);
            AccuracyRun run;
            if (parsed.GetValue(against) is { } other)
            {
                if (parsed.GetValue(layers) is > 0) throw new UsageException("option --layers is for one model in two precisions, not for --against");
                if (Directory.Exists(other)) other = Path.Combine(other, "model.onnx");
                run = new AccuracyRun(request, request.InFloats() with { Path = other, Options = request.InFloats().Options with { ClassName = null }, Warnings = [] }, folder, classes, 0);
            }
            else
            {
                if (request.IsCompiled) throw new UsageException($"'{request.Path}' is compiled already: say what to compare it with, --against MODEL");
                run = AccuracyRun.OfPrecision(request, folder, classes, layerSamples);
            }

            return Run(run, parsed.GetValue(budget), parsed.GetValue(plot), terminal, cancellation);
        });
    }

    private static int Run(AccuracyRun run, AccuracyBudget? budget, string? plot, Terminal terminal, CancellationToken cancellation)
    {
        foreach (Diagnostic warning in run.Model.Warnings) terminal.Report(run.Model.Path, warning);
        AccuracyReport report = run.Run(CompileCache.OfUser(), terminal, cancellation);
        if (plot is not null) OutputFiles.WriteFile(plot, Encoding.UTF8.GetBytes(AccuracyPlot.For(plot, report)), run.Model.Path);
        terminal.WriteResult(report, writer => Show(writer, report));
        Diagnostic? judged = budget?.Judge(report);
        if (judged is not null) terminal.Report(run.Model.Path, judged);
        return judged?.Descriptor.Severity == Severity.Error ? 1 : 0;
    }

    private static void Show(TextWriter writer, AccuracyReport report)
    {
        bool hasClasses = report.Outputs.Any(o => o.Top1Agreement is not null), hasLabels = report.Outputs.Any(o => o.Top1 is not null);
        TextTable.Write(
            writer,
            ["output", "SQNR dB", "cosine", "max error", .. hasClasses ? (string[])["top-1 agree", "top-5 agree"] : [], .. hasLabels ? (string[])["top-1", "fp32 top-1", "top-5", "fp32 top-5"] : []],
            report.Outputs.Select(o => (IReadOnlyList<string>)
            [
                o.Name, o.IsEqual ? "equal" : Decibels(o.SqnrDb), o.Cosine.ToString("F7", CultureInfo.InvariantCulture), Terminal.Number(o.MaxError),
                .. hasClasses ? (string[])[Percent(o.Top1Agreement), Percent(o.Top5Agreement)] : [],
                .. hasLabels ? (string[])[Percent(o.Top1), Percent(o.ReferenceTop1), Percent(o.Top5), Percent(o.ReferenceTop5)] : [],
            ]));
        if (report.Layers.Count > 0)
        {
            writer.WriteLine();
            TextTable.Write(
                writer,
                ["layer, the worst first", "number", "SQNR dB", "cosine", "max error"],
                report.Layers.Take(Shown).Select(l => (IReadOnlyList<string>)
                    [l.Name, l.Position.ToString(CultureInfo.InvariantCulture), Decibels(l.SqnrDb), l.Cosine.ToString("F7", CultureInfo.InvariantCulture), Terminal.Number(l.MaxError)]));
            if (report.Layers.Count > Shown) writer.WriteLine($"and {report.Layers.Count - Shown} more");
        }

        if (report.Mixed is { } mixed) writer.WriteLine(QuantizeCommand.InWords(mixed));
        writer.WriteLine($"{Terminal.Clean(report.Model)} in {report.Precision} against {Terminal.Clean(report.Reference)}: {report.Samples} samples, layers over {report.LayerSamples}");
    }

    private static string Decibels(double value) => double.IsPositiveInfinity(value) ? "equal" : double.IsNaN(value) ? "no number" : value.ToString("F1", CultureInfo.InvariantCulture);

    private static string Percent(double? share) => share is { } s ? (100 * s).ToString("F2", CultureInfo.InvariantCulture) + " %" : "";
}
