using System.CommandLine;
using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Cli.Verification;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe verify</c>: a model against its test data.</summary>
internal static class VerifyCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = Actions.ModelArgument("The ONNX model, or an assembly made by 'lathe compile'.");
        Option<string> data = new("--data") { Description = "The folder whose test_data_set_* are used.", HelpName = "DIR", Required = true };
        Option<double?> relative = Parsed.One<double?>("--rtol", [], "R", "An element passes if |y - r| <= atol + rtol * |r|. Default 1e-3.", text => Parsed.NotNegative(text));
        Option<double?> absolute = Parsed.One<double?>("--atol", [], "A", "Default 1e-4 times the largest |r| of the output.", text => Parsed.NotNegative(text));
        Option<double?> allow = Parsed.One<double?>("--allow", [], "SHARE", "The share of an output's elements that may fail, 0 to 1. Default 0.", ParseShare);
        Option<int?> top = Parsed.One<int?>("--top", [], "K", "The K largest elements must come in the same order, too.", text => Parsed.Positive(text));
        Command command = new("verify", "Compare a model's results with its test data.") { model, data, relative, absolute, allow, top };
        ModelOptions options = ModelOptions.AddTo(command, emulates: true);
        return command.Does((parsed, cancellation) =>
        {
            Tolerance tolerance = new(parsed.GetValue(relative) ?? 1e-3, parsed.GetValue(absolute), parsed.GetValue(allow) ?? 0, parsed.GetValue(top) ?? 0);
            return Run(options.Read(parsed, parsed.GetRequiredValue(model), terminal, runs: true, keepsDenormals: true), parsed.GetRequiredValue(data), tolerance, terminal, cancellation);
        });
    }

    private static int Run(ModelRequest request, string folder, Tolerance tolerance, Terminal terminal, CancellationToken cancellation)
    {
        foreach (Diagnostic warning in request.Warnings) terminal.Report(request.Path, warning);
        IReadOnlyList<string> sets = Loader.About(request.Path, () => DataSet.Find(folder));
        CompiledFile compiled = CompileCache.OfUser().Get(request, terminal, cancellation);
        using CompiledModel model = Loader.Load(request, compiled, terminal);
        IReadOnlyList<string> known = model.Info.Warnings;

        RunReport ran = new(request.Warnings);
        List<Row> rows = [];
        int passed = 0;
        terminal.Work("verifying", progress =>
        {
            for (int i = 0; i < sets.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                progress.Report(($"verifying {Path.GetFileName(sets[i])}", (double)i / sets.Count));
                DataSet data = Loader.About(request.Path, () => DataSet.Read(sets[i]));
                var outputs = Loader.About(request.Path, () => Verifier.Verify(model, data, tolerance, ran));
                rows.AddRange(outputs.Select(output => Row.Of(data.Name, output.Name, output.Comparison)));
                if (outputs.All(output => output.Comparison.Ok)) passed++;
                foreach ((string name, TensorComparison comparison) in outputs)
                    if (comparison.Mismatch is { } mismatch) terminal.Report(request.Path, new Diagnostic(DiagnosticTable.VerificationFailed, null, data.Name, name, mismatch));
            }

            return passed;
        });
        Loader.Warn(request, model.Info.Warnings, known, terminal);
        terminal.WriteResult(new Result(sets.Count, passed, rows, ran), writer =>
        {
            TextTable.Write(
                writer,
                ["case", "output", "max abs", "max rel", "cosine", "outside", "ok"],
                rows.Select(row => (IReadOnlyList<string>)
                    [row.Case, row.Name, Terminal.Number(row.MaxAbs), Terminal.Number(row.MaxRel), row.Cosine.ToString("F6"), Terminal.Number(row.Outside), row.Ok ? "yes" : "NO"]));
            writer.WriteLine($"{passed} of {sets.Count} data sets pass");
        });
        return passed == sets.Count ? 0 : 1;
    }

    private static double? ParseShare(string text) =>
        Parsed.NotNegative(text) is var share && share <= 1 ? share : throw new FormatException($"'{text}' is not a share from 0 to 1");

    private sealed record Result(int Cases, int Passed, IReadOnlyList<Row> Outputs, RunReport Ran);

    private sealed record Row(string Case, string Name, double MaxAbs, double MaxRel, double Cosine, double Outside, bool? TopKEqual, bool Ok)
    {
        public static Row Of(string data, string name, TensorComparison comparison) => new(
            data, name, comparison.MaxAbs, comparison.MaxRel, comparison.Cosine, comparison.Outside, comparison.TopKEqual, comparison.Ok);
    }
}
