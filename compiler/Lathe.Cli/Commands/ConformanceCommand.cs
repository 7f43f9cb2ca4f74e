using System.Collections.Concurrent;
using System.CommandLine;
using System.Text.RegularExpressions;
using Lathe.Cli.Arguments;
using Lathe.Cli.Conformance;
using Lathe.Cli.Output;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe conformance</c>: a tree of ONNX's backend tests, each case in a process that it cannot take down with it.</summary>
internal static class ConformanceCommand
{
    private static readonly TimeSpan DefaultTimeLimit = TimeSpan.FromSeconds(60);

    public static Command Create(Terminal terminal)
    {
        Argument<string> root = new("DIR") { Description = "A tree <kind>/<case>/model.onnx with test_data_set_* beside each model." };
        Option<Regex?> filter = Parsed.One<Regex?>("--filter", [], "RE", "Only cases whose <kind>/<case> the regular expression matches.", ParseRegex);
        Option<double?> limit = Parsed.One<double?>("--time-limit", [], "SEC", "How long a case may take. Default 60.", text => Parsed.NotNegative(text));
        Option<int?> jobs = Parsed.One<int?>("--jobs", ["-j"], "N", "How many cases run at the same time. Default: the number of processors.", text => Parsed.Positive(text));
        Option<bool> worker = new(Worker.Flag) { Hidden = true };
        Command command = new("conformance", "Run a tree of ONNX backend tests.") { root, filter, limit, jobs, worker };
        ModelOptions options = ModelOptions.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            string folder = parsed.GetRequiredValue(root);
            ModelRequest request = options.Read(parsed, Path.Combine(folder, "model.onnx"), terminal, runs: true);
            if (parsed.GetValue(worker))
            {
                Worker.Serve(Console.In, terminal.Output, test => CaseRunner.Run(test, request.Options, request.Threads));
                return 0;
            }

            foreach (Diagnostic warning in request.Warnings) terminal.Report(folder, warning);
            if (!Directory.Exists(folder)) throw new FailedException(folder, DiagnosticTable.BadTestData, folder, "there is no such folder");
            IReadOnlyList<TestCase> cases = [.. TestCase.Find(folder).Where(test => parsed.GetValue(filter)?.IsMatch(test.Name) != false)];
            if (cases.Count == 0) throw new FailedException(folder, DiagnosticTable.BadTestData, folder, "there is no case");
            TimeSpan timeLimit = parsed.GetValue(limit) is { } seconds ? TimeSpan.FromSeconds(Math.Max(seconds, 0.1)) : DefaultTimeLimit;
            IReadOnlyList<string> arguments = [.. parsed.Tokens.Select(token => token.Value)];
            return Run(cases, arguments, timeLimit, parsed.GetValue(jobs) ?? Environment.ProcessorCount, terminal, cancellation);
        });
    }

    private static int Run(
        IReadOnlyList<TestCase> cases, IReadOnlyList<string> arguments, TimeSpan timeLimit, int jobs, Terminal terminal, CancellationToken cancellation)
    {
        CaseResult[] results = terminal.Work("conformance", progress => RunAll(cases, arguments, timeLimit, jobs, progress, cancellation));
        int Count(string status) => results.Count(result => result.Status == status);
        Result sums = new(Count(CaseResult.Passed), Count(CaseResult.Failed), Count(CaseResult.Unsupported), results);
        terminal.WriteResult(sums, writer =>
        {
            TextTable.Write(
                writer,
                ["case", "status", "reason"],
                results.Where(result => result.Status != CaseResult.Passed).Select(result => (IReadOnlyList<string>)[result.Name, result.Status, result.Reason ?? ""]));
            writer.WriteLine($"{sums.Passed} passed, {sums.Failed} failed, {sums.Unsupported} unsupported of {cases.Count}");
        });
        return 0;
    }

    private static CaseResult[] RunAll(
        IReadOnlyList<TestCase> cases, IReadOnlyList<string> arguments, TimeSpan timeLimit, int jobs, IProgress<(string Stage, double Share)> progress, CancellationToken cancellation)
    {
        CaseResult[] results = new CaseResult[cases.Count];
        ConcurrentQueue<int> waiting = new(Enumerable.Range(0, cases.Count));
        int done = 0;
        Task[] loops =
        [
            .. Enumerable.Range(0, Math.Min(jobs, cases.Count)).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    using Worker worker = new(arguments, timeLimit);
                    while (waiting.TryDequeue(out int i))
                    {
                        cancellation.ThrowIfCancellationRequested();
                        results[i] = worker.Run(cases[i], cancellation);
                        progress.Report((cases[i].Name, (double)Interlocked.Increment(ref done) / cases.Count));
                    }
                },
                TaskCreationOptions.LongRunning)),
        ];
        try
        {
            Task.WaitAll(loops, CancellationToken.None);
        }
        catch (AggregateException failures)
        {
            throw failures.InnerExceptions.OfType<OperationCanceledException>().FirstOrDefault() ?? failures.InnerExceptions[0];
        }

        return results;
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

    private sealed record Result(int Passed, int Failed, int Unsupported, IReadOnlyList<CaseResult> Cases);
}
