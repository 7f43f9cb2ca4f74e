using System.CommandLine;
using System.Text.RegularExpressions;
using Lathe.Cli.Arguments;
using Lathe.Cli.Conformance;
using Lathe.Cli.Output;
using Lathe.Cli.Workers;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime;
using Lathe.Runtime.OpenCl;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe conformance</c>: a tree of ONNX's backend tests, each case in a process that it cannot take down with it.</summary>
internal static class ConformanceCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> root = new("DIR") { Description = "A tree <kind>/<case>/model.onnx with test_data_set_* beside each model." };
        Option<Regex?> filter = Parsed.One<Regex?>("--filter", [], "RE", "Only cases whose <kind>/<case> the regular expression matches.", ParseRegex);
        Option<(int Part, int Parts)?> partition = Parsed.One<(int Part, int Parts)?>(
            "--partition", [], "K/N", "Only every N-th case by name, from the K-th on.", ParsePartition);
        Option<string?> expect = Parsed.One<string?>(
            "--expect", [], "FILE", "Which cases are expected to fail; the command fails if others do, or if one of these passes.", text => text);
        Option<double?> time = Parsed.One<double?>("--time-limit", [], "SEC", "How much of a processor a case may take. Default 60.", text => Parsed.NotNegative(text));
        Option<int?> memory = Parsed.One<int?>(
            "--memory-limit", [], "MIB", "How much memory a case may take. Default: an equal share for each job.", text => Parsed.Positive(text));
        Option<int?> jobs = Parsed.One<int?>("--jobs", ["-j"], "N", "How many cases run at the same time. Default: the number of processors.", text => Parsed.Positive(text));
        Option<bool> isWorker = new(WorkerProcess.Flag) { Hidden = true };
        Command command = new("conformance", "Run a tree of ONNX backend tests.") { root, filter, partition, expect, time, memory, jobs, isWorker };
        ModelOptions options = ModelOptions.AddTo(command, emulates: true, calibrates: false);
        return command.Does((parsed, cancellation) =>
        {
            string folder = parsed.GetRequiredValue(root);
            Isa best = Isas.FromEnvironment() ?? Isas.Best();
            ModelRequest request = options.Read(parsed, Path.Combine(folder, "model.onnx"), terminal, runs: true, [best], keepsDenormals: true);
            int workers = parsed.GetValue(jobs) ?? Environment.ProcessorCount;
            if (parsed.GetValue(isWorker))
            {
                int threads = request.Threads ?? Math.Max(1, Environment.ProcessorCount / workers);
                DeepStack.Run("worker", () => Worker.Serve(
                    Console.In, terminal.Output, (batch, report) => new BatchRunner(request.Options, threads, report).Run(batch))).Join();
                return 0;
            }

            foreach (Diagnostic warning in request.Warnings) terminal.Report(folder, warning);
            if (!Directory.Exists(folder)) throw new FailedException(folder, DiagnosticTable.BadTestData, folder, "there is no such folder");
            IReadOnlyList<TestCase> cases = [.. TestCase.Find(folder).Where(test => parsed.GetValue(filter)?.IsMatch(test.Name) != false)];
            if (parsed.GetValue(partition) is { } share) cases = [.. cases.Where((_, i) => i % share.Parts == share.Part - 1)];
            if (cases.Count == 0) throw new FailedException(folder, DiagnosticTable.BadTestData, folder, "there is no case");
            if (request.Options.UsesOpenCl) OpenClDevice.Choose();
            Isa isa = request.Options.UsesOpenCl ? request.Options.Isas.Max() : IsaOf(request, folder);
            ExpectedFailures? expected = parsed.GetValue(expect) is { } file ? ExpectedFailures.Read(file, request.Options.UsesOpenCl ? ExpectedFailures.Gpu : isa.Name(), request.Options.Optimize) : null;
            CaseLimits limits = new(
                parsed.GetValue(time) is { } seconds ? TimeSpan.FromSeconds(Math.Max(seconds, 0.1)) : CaseLimits.DefaultTime,
                parsed.GetValue(memory) is { } mebibytes ? (long)mebibytes << 20 : CaseLimits.DefaultMemory(workers));
            IReadOnlyList<string> arguments = [.. parsed.Tokens.Select(token => token.Value)];
            IReadOnlyList<CaseResult> results = terminal.Work(
                "conformance", progress => Batches.Run(cases, onResult => new Worker(arguments, limits, onResult), workers, progress, cancellation));
            Write(results, terminal);
            return expected is null || Judge(results, expected, folder, terminal) ? 0 : 1;
        });
    }

    /// <summary>The instruction set that runs: one error where there is none, not one for each case.</summary>
    private static Isa IsaOf(ModelRequest request, string folder)
    {
        IReadOnlyList<Isa> compiled = request.Options.Isas;
        if (request.Options.Emulate) return compiled[0];
        Isa isa = Isas.FromEnvironment() ?? compiled.Where(one => one.IsAvailable()).DefaultIfEmpty(compiled.Max()).Max();
        if (!compiled.Contains(isa)) throw new FailedException(folder, DiagnosticTable.BadOption, "--isa", $"LATHE_ISA asks for {isa.Name()}, which is not in the list");
        if (!isa.IsAvailable()) throw new FailedException(folder, DiagnosticTable.BadOption, "--isa", $"this machine cannot run {isa.Name()} kernels");
        return isa;
    }

    private static void Write(IReadOnlyList<CaseResult> results, Terminal terminal)
    {
        int Count(string status) => results.Count(result => result.Status == status);
        Result sums = new(Count(CaseResult.Passed), Count(CaseResult.Failed), Count(CaseResult.Unsupported), results);
        terminal.WriteResult(sums, writer =>
        {
            TextTable.Write(
                writer,
                ["case", "status", "reason"],
                results.Where(result => result.Status != CaseResult.Passed).Select(result => (IReadOnlyList<string>)[result.Name, result.Status, result.Reason ?? ""]));
            writer.WriteLine($"{sums.Passed} passed, {sums.Failed} failed, {sums.Unsupported} unsupported of {results.Count}");
        });
    }

    /// <summary>Writes what is not as expected.</summary>
    /// <returns>True if all is.</returns>
    private static bool Judge(IReadOnlyList<CaseResult> results, ExpectedFailures expected, string folder, Terminal terminal)
    {
        IReadOnlyList<Diagnostic> surprises = [.. results.Select(expected.Judge).OfType<Diagnostic>()];
        foreach (Diagnostic surprise in surprises) terminal.Report(folder, surprise);
        return surprises.Count == 0;
    }

    private static Regex? ParseRegex(string text)
    {
        try
        {
            return new Regex(text, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException wrong)
        {
            throw new FormatException($"'{text}' is not a regular expression: {wrong.Message}");
        }
    }

    private static (int Part, int Parts)? ParsePartition(string text) =>
        text.Split('/') is [var part, var parts] && Parsed.Positive(part) is var k && Parsed.Positive(parts) is var n && k <= n
            ? (k, n)
            : throw new FormatException($"'{text}' is not K/N with K at most N");

    private sealed record Result(int Passed, int Failed, int Unsupported, IReadOnlyList<CaseResult> Cases);
}
