using System.CommandLine;
using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Cli.Tensors;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe run</c>: one inference.</summary>
internal static class RunCommand
{
    private const int ShownElements = 8;

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = Actions.ModelArgument("The ONNX model, or an assembly made by 'lathe compile'.");
        Option<string?> dump = new("--dump") { Description = "Write inputs and outputs to a folder: manifest.json and raw files.", HelpName = "DIR" };
        Command command = new("run", "Run one inference.") { model, dump };
        InputOptions inputs = InputOptions.AddTo(command);
        ModelOptions options = ModelOptions.AddTo(command, emulates: true);
        return command.Does((parsed, cancellation) =>
        {
            ModelRequest request = options.Read(parsed, parsed.GetRequiredValue(model), terminal, runs: true);
            return Run(request, inputs.Read(parsed, request), parsed.GetValue(dump), terminal, cancellation);
        });
    }

    private static int Run(ModelRequest request, InputSet inputs, string? dump, Terminal terminal, CancellationToken cancellation)
    {
        foreach (Diagnostic warning in request.Warnings) terminal.Report(request.Path, warning);
        CompiledFile compiled = CompileCache.OfUser().Get(request, terminal, cancellation);
        using CompiledModel model = Loader.Load(request, compiled, terminal);
        IReadOnlyList<string> known = model.Info.Warnings;
        RunReport ran = new(request.Warnings);
        using InferRequest infer = Loader.About(request.Path, () =>
        {
            InferRequest filled = inputs.CreateRequest(model);
            terminal.Work("running", _ => filled.InferAndCount(ran));
            return filled;
        });

        Loader.Warn(request, model.Info.Warnings, known, terminal);
        IReadOnlyList<NamedTensor> outputs = InputSet.OutputsOf(infer);
        if (dump is not null) Write(new DumpFolder(Path.GetFileName(request.Path), inputs.Seed, InputSet.InputsOf(infer), outputs), dump, request.Path);
        Result result = new([.. outputs.Select(output => new TensorRow(output.Name, output.Data.Element.Name(), output.Data.Dims))], ran);
        terminal.WriteResult(result, writer => TextTable.Write(
            writer,
            ["output", "type", "shape", "elements"],
            outputs.Select(output => (IReadOnlyList<string>)
                [output.Name, output.Data.Element.Name(), string.Join('x', output.Data.Dims), Elements(output.Data)])));
        return 0;
    }

    private static void Write(DumpFolder dump, string folder, string model)
    {
        try
        {
            dump.Write(folder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FailedException(model, DiagnosticTable.NotWritable, folder, failure.Message);
        }
    }

    private static string Elements(TensorData data) =>
        string.Join(' ', Enumerable.Range(0, Math.Min(data.Count, ShownElements)).Select(i => Terminal.Number(data.GetDouble(i)))) + (data.Count > ShownElements ? " …" : "");

    private sealed record Result(IReadOnlyList<TensorRow> Outputs, RunReport Ran);

    private sealed record TensorRow(string Name, string Dtype, long[] Shape);
}
