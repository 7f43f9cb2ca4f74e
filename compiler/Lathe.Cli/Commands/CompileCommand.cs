using System.CommandLine;
using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Spectre.Console;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe compile</c>: an ONNX model becomes a kernel assembly.</summary>
internal static class CompileCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = Actions.ModelArgument("The ONNX model.");
        Option<string> output = new("--output", "-o")
        {
            Description = "The folder for assembly, weights and manifest; or, if it ends in .dll, one assembly with the weights in it.",
            HelpName = "DIR|X.dll",
            Required = true,
        };
        Option<string?> sources = new("--emit-source") { Description = "Write the generated source to a folder.", HelpName = "DIR" };
        Command command = new("compile", "Compile an ONNX model to a .NET assembly.") { model, output, sources };
        ModelOptions options = ModelOptions.AddTo(command);
        return command.Does((parsed, cancellation) => Run(
            options.Read(parsed, parsed.GetRequiredValue(model), terminal, runs: false), parsed.GetRequiredValue(output), parsed.GetValue(sources), terminal, cancellation));
    }

    private static int Run(ModelRequest request, string place, string? sources, Terminal terminal, CancellationToken cancellation)
    {
        foreach (Diagnostic warning in request.Warnings) terminal.Report(request.Path, warning);
        bool single = ModelRequest.IsAssembly(place);
        CompileOptions asked = single ? request.Options with { EmbedWeightsUpTo = long.MaxValue } : request.Options;
        (CompiledOutput output, IReadOnlyList<Diagnostic> warnings, double ms) = ModelCompiler.Compile(request, asked, terminal, cancellation);

        List<string> files = [];
        if (sources is not null) files.AddRange(OutputFiles.WriteSources(output, sources, request.Path));
        files.AddRange(single ? OutputFiles.WriteAssembly(output, place, request.Path) : OutputFiles.WriteFolder(output, place, request.Path));
        Result result = new(files, ms, output.Report.ArenaBytes, output.Report.WeightBytes, [.. request.Warnings.Concat(warnings).Select(Message.Of)]);
        terminal.WriteResult(result, console =>
        {
            foreach (string file in files) console.WriteLine(Terminal.Clean(file));
            console.WriteLine($"{output.ClassName}: {ms:F0} ms, arena {Terminal.Bytes(result.ArenaBytes)}, weights {Terminal.Bytes(result.WeightBytes)}");
        });
        return 0;
    }

    private sealed record Result(IReadOnlyList<string> Files, double CompileMs, long ArenaBytes, long WeightBytes, IReadOnlyList<Message> Warnings);
}
