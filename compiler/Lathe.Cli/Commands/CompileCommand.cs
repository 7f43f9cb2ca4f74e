using System.CommandLine;
using System.Text;
using Lathe.Cli.Accuracy;
using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Cli.Quantization;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Quantization;

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
        Option<string?> native = Parsed.Word(
            "--native-code", [], ["embedded", "object", "library"], "Where native kernels are: in the assembly; in an object file too, for NativeAOT; or in a shared library beside it, for debuggers. Default embedded.");
        Option<AccuracyBudget?> budget = Parsed.One<AccuracyBudget?>(
            "--accuracy-budget", [], "B", "Fail if a lower precision loses more: points of top-1 agreement, or a least ratio such as 30dB; ,warn behind it only warns. Needs --accuracy-data.", AccuracyBudget.Parse);
        Option<string?> data = new("--accuracy-data") { Description = "The samples for --accuracy-budget, as lathe accuracy takes them.", HelpName = "DIR" };
        Option<string?> rules = QuantizeCommand.RulesOut();
        Command command = new("compile", "Compile an ONNX model to a .NET assembly.") { model, output, sources, inputs, embed, debug, native, budget, data, rules };
        ModelOptions options = ModelOptions.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            ModelRequest request = options.Read(parsed, parsed.GetRequiredValue(model), terminal, runs: false);
            Places places = new(parsed.GetRequiredValue(output), parsed.GetValue(sources), parsed.GetValue(inputs), parsed.GetValue(rules));
            CompileOptions asked = request.Options with { DebugKernels = parsed.GetValue(debug), NativeCode = Enum.Parse<NativeCodeForm>(parsed.GetValue(native) ?? "embedded", ignoreCase: true) };
            if (places.IsAssembly || parsed.GetValue(embed)) asked = asked with { EmbedWeightsUpTo = long.MaxValue };
            Gate? gate = (parsed.GetValue(budget), parsed.GetValue(data)) switch
            {
                (null, null) => null,
                ({ } most, { } samples) => new Gate(most, samples),
                (null, _) => throw new UsageException("option --accuracy-data needs --accuracy-budget"),
                _ => throw new UsageException("option --accuracy-budget needs --accuracy-data"),
            };
            return Run(request with { Options = asked }, places, gate, terminal, cancellation);
        });
    }

    private static int Run(ModelRequest request, Places places, Gate? gate, Terminal terminal, CancellationToken cancellation)
    {
        foreach (Diagnostic warning in request.Warnings) terminal.Report(request.Path, warning);
        if (places.Rules is not null && request.Calibration is null) throw new UsageException("option --rules-out needs --calibration: what a search or a quantisation chooses is what it writes");
        request = CalibrationRequest.Apply(request, terminal, cancellation);
        (CompiledOutput output, IReadOnlyList<Diagnostic> warnings, double ms) = ModelCompiler.Compile(request, terminal, cancellation);

        if (gate?.Judge(request, terminal, cancellation) is { } judged)
        {
            if (judged.Descriptor.Severity == Severity.Error) throw new FailedException(request.Path, [judged]);
            terminal.Report(request.Path, judged);
            warnings = [.. warnings, judged];
        }

        List<string> files = [];
        if (places.Sources is { } sources) files.AddRange(OutputFiles.WriteSources(output, sources, request.Path));
        files.AddRange(
            places.IsAssembly ? OutputFiles.WriteFile(places.Output, output.Assembly, request.Path) : OutputFiles.WriteFolder(output, places.Output, request.Path));
        // Where it is looked for: beside the assembly, by the name that the assembly knows.
        if (places.IsAssembly && output.NativeFile is not null)
            files.AddRange(OutputFiles.WriteFile(Path.Combine(Path.GetDirectoryName(places.Output) ?? "", output.NativeFileName!), output.NativeFile, request.Path));
        if (places.Inputs is { } list)
            files.AddRange(OutputFiles.WriteFile(list, Encoding.UTF8.GetBytes(string.Concat(FilesOf(request).Concat(gate?.Files ?? []).Concat(output.NativeInputs).Select(file => file + "\n"))), request.Path));
        string? rules = request.Options.Quantized is { } quantized ? MixedRules.Of(Path.GetFileName(request.Path), quantized) : request.Mixed?.Text;
        if (places.Rules is not null) files.AddRange(OutputFiles.WriteFile(places.Rules, Encoding.UTF8.GetBytes(rules!), request.Path));
        MixedPrecision? mixed = request.Mixed?.Report ?? request.Options.Quantized?.Mixed;
        Result result = new(files, ms, output.Report.ArenaBytes, output.Report.WeightBytes, mixed, [.. request.Warnings.Concat(warnings).Select(Message.Of)]);
        terminal.WriteResult(result, writer =>
        {
            foreach (string file in files) writer.WriteLine(Terminal.Clean(file));
            if (mixed is not null) writer.WriteLine(QuantizeCommand.InWords(mixed));
            writer.WriteLine($"{output.ClassName}: {ms:F0} ms, arena {Terminal.Bytes(result.ArenaBytes)}, weights {Terminal.Bytes(result.WeightBytes)}");
        });
        return 0;
    }

    /// <summary>The model, the files beside it that its tensors are in, and those that options name.</summary>
    private static IEnumerable<string> FilesOf(ModelRequest request) =>
        OnnxFrontEnd.ExternalFiles(request.Path).Select(name => Path.Combine(Path.GetDirectoryName(request.Path) ?? "", name)).Where(File.Exists)
            .Prepend(request.Path).Concat(request.Files);

    /// <summary>What a compilation has to keep to.</summary>
    private sealed record Gate(AccuracyBudget Budget, string Data)
    {
        public IEnumerable<string> Files => SampleFiles.Find(Data);

        /// <summary>Compares the model with itself in fp32, both compiled into a folder that goes again: a build leaves nothing behind but its outputs.</summary>
        public Diagnostic? Judge(ModelRequest request, Terminal terminal, CancellationToken cancellation)
        {
            string folder = Directory.CreateTempSubdirectory("lathe-").FullName;
            try
            {
                // What it warns about was said when it was compiled.
                Terminal quiet = new(terminal.Output, TextWriter.Null);
                return Budget.Judge(AccuracyRun.OfPrecision(request with { Warnings = [] }, Data, null, AccuracyRun.DefaultLayerSamples).Run(new CompileCache(folder), quiet, cancellation));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private sealed record Places(string Output, string? Sources, string? Inputs, string? Rules)
    {
        public bool IsAssembly => ModelRequest.IsAssembly(Output);
    }

    private sealed record Result(IReadOnlyList<string> Files, double CompileMs, long ArenaBytes, long WeightBytes, MixedPrecision? Mixed, IReadOnlyList<Message> Warnings);
}
