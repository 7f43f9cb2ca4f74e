using System.CommandLine;
using System.Text;
using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Onnx;

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
        Option<string?> inputs = new("--inputs") { Description = "Write the list of the files that were read, one a line, to a file.", HelpName = "FILE" };
        Option<bool> embed = new("--embed-weights") { Description = "Put the weights into the assembly, however large they are." };
        Option<bool> debug = new("--debug-kernels") { Description = "Compile the kernels unoptimised, for stepping through them." };
        Command command = new("compile", "Compile an ONNX model to a .NET assembly.") { model, output, sources, inputs, embed, debug };
        ModelOptions options = ModelOptions.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            ModelRequest request = options.Read(parsed, parsed.GetRequiredValue(model), terminal, runs: false);
            Places places = new(parsed.GetRequiredValue(output), parsed.GetValue(sources), parsed.GetValue(inputs));
            CompileOptions asked = request.Options with { DebugKernels = parsed.GetValue(debug) };
            if (places.IsAssembly || parsed.GetValue(embed)) asked = asked with { EmbedWeightsUpTo = long.MaxValue };
            return Run(request with { Options = asked }, places, terminal, cancellation);
        });
    }

    private static int Run(ModelRequest request, Places places, Terminal terminal, CancellationToken cancellation)
    {
        foreach (Diagnostic warning in request.Warnings) terminal.Report(request.Path, warning);
        (CompiledOutput output, IReadOnlyList<Diagnostic> warnings, double ms) = ModelCompiler.Compile(request, terminal, cancellation);

        List<string> files = [];
        if (places.Sources is { } sources) files.AddRange(OutputFiles.WriteSources(output, sources, request.Path));
        files.AddRange(
            places.IsAssembly ? OutputFiles.WriteFile(places.Output, output.Assembly, request.Path) : OutputFiles.WriteFolder(output, places.Output, request.Path));
        if (places.Inputs is { } list)
            files.AddRange(OutputFiles.WriteFile(list, Encoding.UTF8.GetBytes(string.Concat(FilesOf(request).Select(file => file + "\n"))), request.Path));
        Result result = new(files, ms, output.Report.ArenaBytes, output.Report.WeightBytes, [.. request.Warnings.Concat(warnings).Select(Message.Of)]);
        terminal.WriteResult(result, writer =>
        {
            foreach (string file in files) writer.WriteLine(Terminal.Clean(file));
            writer.WriteLine($"{output.ClassName}: {ms:F0} ms, arena {Terminal.Bytes(result.ArenaBytes)}, weights {Terminal.Bytes(result.WeightBytes)}");
        });
        return 0;
    }

    /// <summary>The model, the files beside it that its tensors are in, and those that options name.</summary>
    private static IEnumerable<string> FilesOf(ModelRequest request) =>
        OnnxFrontEnd.ExternalFiles(request.Path).Select(name => Path.Combine(Path.GetDirectoryName(request.Path) ?? "", name)).Where(File.Exists)
            .Prepend(request.Path).Concat(request.Files);

    private sealed record Places(string Output, string? Sources, string? Inputs)
    {
        public bool IsAssembly => ModelRequest.IsAssembly(Output);
    }

    private sealed record Result(IReadOnlyList<string> Files, double CompileMs, long ArenaBytes, long WeightBytes, IReadOnlyList<Message> Warnings);
}
