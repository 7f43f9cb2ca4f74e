using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using Lathe.Cli.Arguments;
using Lathe.Cli.Bench;
using Lathe.Cli.Machine;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Placement;
using Lathe.Compiler.Prediction;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe inspect</c>: operators, groups and plan, or everything that is in a model's way.</summary>
internal static class InspectCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = Actions.ModelArgument("The ONNX model.");
        Option<string?> dot = new("--dot") { Description = "With HETERO: draw devices and subgraphs into a folder, for Graphviz and as SVG.", HelpName = "DIR" };
        Option<string?> measured = new("--measured") { Description = "With HETERO: what lathe bench -pc --json wrote of the model, to set beside what is predicted.", HelpName = "FILE" };
        Option<IReadOnlyList<string>?> precisions = Parsed.One<IReadOnlyList<string>?>(
            "--precisions", [], "LIST", "Predict time and memory in fp32,fp16,bf16,int8 or some of them; int8 needs --calibration. For the processor of --device-profile, or what the compiler assumes of the best of --isa.", PrecisionComparison.Parse);
        Command command = new("inspect", "Show what a model becomes.") { model, dot, measured, precisions };
        ModelOptions options = ModelOptions.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            IReadOnlyList<string>? compared = parsed.GetValue(precisions);
            ModelRequest request = options.Read(parsed, parsed.GetRequiredValue(model), terminal, runs: false, quantizes: PrecisionComparison.Quantizes(compared), predicts: compared is not null);
            foreach (Option<string?> option in (Option<string?>[])[dot, measured])
                if (parsed.GetValue(option) is not null && !request.Options.IsHetero) throw new UsageException($"option {option.Name} is for --device {DeviceList.Prefix}…");
            if (compared is null) return Run(request, parsed.GetValue(dot), parsed.GetValue(measured), null, terminal, cancellation);
            if (request.Options.Device != "CPU") throw new UsageException($"option --precisions is for the CPU, not for --device {request.Options.Device}");
            PrecisionComparison.Check(request, compared);
            CpuProfile cpu = request.DeviceProfile is { } file ? ProfileFile.Read(ModelOptions.DeviceProfile, file, request.Options.Isas) : CpuProfile.Of(request.Options.Isas.Max());
            return Run(request.InFloats(), null, null, () => PredictedPrecisions.Of(request, compared, cpu, terminal, cancellation), terminal, cancellation);
        });
    }

    private static int Run(ModelRequest request, string? dot, string? measured, Func<PredictedPrecisions>? predict, Terminal terminal, CancellationToken cancellation)
    {
        MeasuredLayers? layers = measured is null ? null : MeasuredLayers.Read(measured);
        foreach (Diagnostic warning in request.Warnings) terminal.Report(request.Path, warning);
        CompileReport report;
        try
        {
            report = ModelCompiler.Compile(request, terminal, cancellation).Output.Report;
        }
        catch (FailedException failure) when (failure.Diagnostics.All(d => d.Descriptor.Severity == Severity.Warning || Diagnostics.IsUnsupported(d.Descriptor.Id)))
        {
            return ShowUnsupported(request, failure.Diagnostics, terminal);
        }

        PlacementReport? placement = report.Placement;
        if (placement is not null && dot is not null) Draw(placement, dot, request.Path);
        PlacedSubgraph[] placed = [.. (placement?.Subgraphs ?? []).Select(s => new PlacedSubgraph(
            s.Device, s.Nodes.Count, s.Macs, s.Number, s.Precision, s.Reason, s.Nodes, s.ComputeMs, s.LaunchMs, s.TransferMs, s.TransferBytes, s.CpuMs, layers?.Compute(s), layers?.Transfer(s)))];
        IReadOnlyList<object> subgraphs = placement is null ? [.. report.Groups.GroupBy(group => group.Device).Select(device => new Subgraph(device.Key, device.Count(), device.Sum(group => group.Macs)))] : placed;
        Result result = new(
            report.Macs, report.Parameters, report.ArenaBytes, report.ArenaLowerBound, report.WeightBytes, report.PreparedBytes, report.Reorders, report.Groups, subgraphs, [], predict?.Invoke())
        {
            DeviceArenas = report.DeviceArenas.Count > 0 ? report.DeviceArenas : null,
            Affinity = placement?.Affinity,
            PredictedMs = placement?.PredictedMs,
            Alternatives = placement?.Alternatives,
            Advice = placement?.Advice,
        };
        foreach (Diagnostic warning in result.Predictions?.Warnings() ?? []) terminal.Report(request.Path, warning);
        terminal.WriteResult(result, writer =>
        {
            TextTable.Write(
                writer,
                ["group", "operators", "kernel", "device", "precision", "layout", "shape", "MMACs", "bytes", "choices"],
                report.Groups.Select(group => (IReadOnlyList<string>)
                [
                    group.Name, group.Op, group.Kernel, group.Device, group.Precision, group.Layout, group.Shape,
                    (group.Macs / 1e6).ToString("F2"), Terminal.Bytes(group.Bytes), ChoicesOf(group, report),
                ]));
            writer.WriteLine($"{report.Groups.Count} groups, {report.Macs / 1e6:F2} MMACs, {report.Parameters} parameters in {Terminal.Bytes(report.WeightBytes)}{(report.PreparedBytes > 0 ? $", of which loading makes {Terminal.Bytes(report.PreparedBytes)} in memory" : "")}");
            writer.WriteLine($"arena {Terminal.Bytes(report.ArenaBytes)} (at least {Terminal.Bytes(report.ArenaLowerBound)}){string.Concat(report.DeviceArenas.Select(a => $", on {a.Device} {Terminal.Bytes(a.ArenaBytes)}"))}, {report.Reorders} reorders");
            if (placement is not null) Write(placement, placed, layers is not null, writer);
            result.Predictions?.Show(writer);
            if (request.Options.Tuning is { } tuning) writer.WriteLine($"{report.Decisions.Count(d => d.IsTuned)} of {report.Decisions.Count} choices are tuned, by {tuning.Entries.Count} entries of {Terminal.Clean(tuning.Cpu)}");
        });
        return 0;
    }

    private static void Write(PlacementReport placement, IReadOnlyList<PlacedSubgraph> subgraphs, bool isMeasured, TextWriter writer)
    {
        writer.WriteLine();
        TextTable.Write(
            writer,
            ["subgraph", "device", "precision", "steps", "MMACs", "compute ms", "launch ms", "copies ms", "CPU ms", .. isMeasured ? (string[])["measured ms", "measured copies ms"] : [], "reason"],
            subgraphs.Select(s => (IReadOnlyList<string>)
            [
                $"{s.Number}", s.Device, s.Precision, $"{s.Groups}", (s.Macs / 1e6).ToString("F2"), Ms(s.ComputeMs), Ms(s.LaunchMs), Ms(s.TransferMs), Ms(s.CpuMs),
                .. isMeasured ? (string[])[Ms(s.MeasuredMs), Ms(s.MeasuredTransferMs)] : [], Terminal.Clean(s.Reason),
            ]));
        writer.WriteLine($"{Ms(placement.PredictedMs)} ms are predicted ({placement.Affinity}); {string.Join(", ", placement.Alternatives.Select(a => $"{a.Name} {Ms(a.Ms)} ms"))}");
        foreach (string advice in placement.Advice) writer.WriteLine(Terminal.Clean(advice));

        static string Ms(double? ms) => ms?.ToString("F3", CultureInfo.InvariantCulture) ?? "";
    }

    private static void Draw(PlacementReport placement, string folder, string model)
    {
        foreach ((string name, Drawing drawing) in (ReadOnlySpan<(string, Drawing)>)[("hetero_affinity", placement.Steps), ("hetero_subgraphs", placement.Graph)])
        {
            OutputFiles.WriteFile(Path.Combine(folder, $"{name}.dot"), Encoding.UTF8.GetBytes(DrawingText.Dot(drawing)), model);
            OutputFiles.WriteFile(Path.Combine(folder, $"{name}.svg"), Encoding.UTF8.GetBytes(DrawingText.Svg(drawing)), model);
        }
    }

    /// <summary>Algorithm and schedule for the best instruction set that is compiled in; those that a tuning record made are marked.</summary>
    private static string ChoicesOf(CompileGroup group, CompileReport report) => report.Decisions.Count == 0 ? "" : string.Join(
        ' ', group.Choices.Where(c => c.Isa == report.Decisions.Max(d => d.Isa).Name()).Select(c => c.From == CompileChoice.Tuning ? c.Choice + " (tuned)" : c.Choice));

    private static int ShowUnsupported(ModelRequest request, IReadOnlyList<Diagnostic> diagnostics, Terminal terminal)
    {
        foreach (Diagnostic diagnostic in diagnostics) terminal.Report(request.Path, diagnostic);
        IReadOnlyList<Unsupported> unsupported =
        [
            .. diagnostics.Any(d => d.Descriptor == DiagnosticTable.UnsupportedOperator)
                ? OnnxFrontEnd.UnsupportedNodes(request.Path).Select(node => new Unsupported(node.Node, node.Operator, "Lathe does not have this operator"))
                : [],
            .. diagnostics.Where(d => d.Descriptor.Severity == Severity.Error && d.Descriptor != DiagnosticTable.UnsupportedOperator)
                .Select(d => new Unsupported(d.Node, d.Arguments[0], d.Message)),
        ];
        Result result = new(null, null, null, null, null, null, null, [], [], unsupported, null);
        terminal.WriteResult(result, writer => TextTable.Write(
            writer, ["node", "operator", "reason"], unsupported.Select(u => (IReadOnlyList<string>)[u.Node ?? "", u.Op, u.Reason])));
        return 1;
    }

    private sealed record Result(
        long? Macs,
        long? Parameters,
        long? ArenaBytes,
        long? ArenaLowerBound,
        long? WeightBytes,
        long? PreparedBytes,
        int? Reorders,
        IReadOnlyList<CompileGroup> Groups,
        IReadOnlyList<object> Subgraphs,
        IReadOnlyList<Unsupported> Unsupported,
        PredictedPrecisions? Predictions)
    {
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public IReadOnlyList<DeviceArena>? DeviceArenas { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Affinity { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public double? PredictedMs { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public IReadOnlyList<PredictedTime>? Alternatives { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public IReadOnlyList<string>? Advice { get; init; }
    }

    private sealed record Subgraph(string Device, int Groups, long Macs);

    private sealed record PlacedSubgraph(
        string Device,
        int Groups,
        long Macs,
        int Number,
        string Precision,
        string Reason,
        IReadOnlyList<string> Nodes,
        double ComputeMs,
        double LaunchMs,
        double TransferMs,
        long TransferBytes,
        double CpuMs,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? MeasuredMs,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? MeasuredTransferMs);

    private sealed record Unsupported(string? Node, string Op, string Reason);
}
