using System.Collections.Concurrent;
using System.CommandLine;
using System.Globalization;
using Lathe.Cli.Arguments;
using Lathe.Cli.Fuzzing;
using Lathe.Cli.Output;
using Lathe.Cli.Workers;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe fuzz</c>: mutants of models, each of which must be refused with a diagnostic or compile and run.</summary>
internal static class FuzzCommand
{
    private const int DefaultCount = 1000;
    private const int DefaultMemoryLimit = 2048;
    private static readonly TimeSpan DefaultTimeLimit = TimeSpan.FromSeconds(30);

    public static Command Create(Terminal terminal)
    {
        Argument<string[]> models = new("MODEL|DIR") { Description = "Models to mutate; of a folder all small *.onnx in it, at any depth.", Arity = ArgumentArity.OneOrMore };
        Option<int?> count = Parsed.One<int?>("--count", ["-n"], "N", "How many mutants. Default 1000.", text => Parsed.Positive(text));
        Option<ulong> seed = Parsed.One("--seed", [], "S", "Other mutants. Default 1.", Seed);
        Option<int?> only = Parsed.One<int?>("--only", [], "N", "Only the mutant of this number, as the report names it.", text => Number(text));
        Option<int?> jobs = Parsed.One<int?>("--jobs", ["-j"], "N", "How many mutants run at the same time. Default: the number of processors.", text => Parsed.Positive(text));
        Option<double?> time = Parsed.One<double?>("--time-limit", [], "SEC", "How long a mutant may take. Default 30.", text => Parsed.NotNegative(text));
        Option<int?> memory = Parsed.One<int?>("--memory-limit", [], "MiB", "How much memory a process may take. Default 2048.", text => Parsed.Positive(text));
        Option<string?> save = new("--save") { Description = "Write each mutant that shows a defect to a folder.", HelpName = "DIR" };
        Option<bool> worker = new(WorkerProcess.Flag) { Hidden = true };
        seed.DefaultValueFactory = _ => 1;
        Command command = new("fuzz", "Mutate models at random, compile and run the mutants, and report each that shows a defect of Lathe.")
        {
            models, count, seed, only, jobs, time, memory, save, worker,
        };
        ModelOptions options = ModelOptions.AddTo(command, calibrates: false);
        return command.Does((parsed, cancellation) =>
        {
            string[] paths = parsed.GetRequiredValue(models);
            // One instruction set, that of LATHE_ISA or the best: more would only take longer.
            ModelRequest request = options.Read(parsed, paths[0], terminal, runs: true, defaultIsas: [Isas.FromEnvironment() ?? Isas.Best()], keepsDenormals: true);
            Corpus corpus = new(paths, parsed.GetValue(seed));
            TimeSpan timeLimit = parsed.GetValue(time) is { } seconds ? TimeSpan.FromSeconds(seconds) : DefaultTimeLimit;
            if (parsed.GetValue(worker)) return Serve(corpus, request, timeLimit, terminal);

            foreach (Diagnostic warning in request.Warnings) terminal.Report(paths[0], warning);
            IReadOnlyList<string> arguments = [.. parsed.Tokens.Select(token => token.Value)];
            IReadOnlyList<int> numbers = parsed.GetValue(only) is { } one ? [one] : [.. Enumerable.Range(0, parsed.GetValue(count) ?? DefaultCount)];
            long memoryLimit = (long)(parsed.GetValue(memory) ?? DefaultMemoryLimit) << 20;
            MutantResult[] results = terminal.Work("fuzzing", progress => RunAll(
                numbers, () => new FuzzWorker(arguments, timeLimit, memoryLimit), parsed.GetValue(jobs) ?? Environment.ProcessorCount, terminal, progress, cancellation));
            return Report(corpus, parsed.GetValue(seed), numbers, results, parsed.GetValue(save), terminal);
        });
    }

    private static int Serve(Corpus corpus, ModelRequest request, TimeSpan timeLimit, Terminal terminal)
    {
        string folder = Directory.CreateTempSubdirectory("lathe-").FullName;
        try
        {
            MutantRunner runner = new(corpus, request.Options with { Verify = true }, request.Threads ?? 1, timeLimit, folder);
            FuzzWorker.Serve(Console.In, terminal.Output, number => terminal.Work("mutant", _ => runner.Run(number)));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Report(Corpus corpus, ulong seed, IReadOnlyList<int> numbers, MutantResult[] results, string? save, Terminal terminal)
    {
        List<Defect> defects = [];
        for (int i = 0; i < results.Length; i++)
        {
            if (results[i].Outcome is Outcomes.Rejected or Outcomes.Ran or Outcomes.Compiled) continue;
            (string model, Compiler.Mutation.Mutant mutant) = corpus.Mutant(numbers[i]);
            string? file = save is null ? null : Write(save, $"{seed}-{numbers[i]}.onnx", mutant.Model);
            defects.Add(new Defect(numbers[i], model, string.Join("; ", mutant.Mutations), results[i].Outcome, results[i].Reason ?? "", file));
        }

        int Count(string outcome) => results.Count(result => result.Outcome == outcome);
        SortedDictionary<string, int> diagnostics = new(StringComparer.Ordinal);
        foreach (MutantResult result in results)
            if (result.Id is { } id) diagnostics[id] = diagnostics.GetValueOrDefault(id) + 1;
        Result sums = new(seed, corpus.Models.Count, results.Length, Count(Outcomes.Rejected), Count(Outcomes.Compiled) + Count(Outcomes.Ran), Count(Outcomes.Ran), diagnostics, defects);
        terminal.WriteResult(sums, writer =>
        {
            TextTable.Write(
                writer,
                ["mutant", "kind", "model", "mutation", "reason"],
                defects.Select(defect => (IReadOnlyList<string>)[$"{defect.Mutant}", defect.Kind, defect.Model, defect.Mutation, defect.Reason]));
            writer.WriteLine(
                $"{sums.Mutants} mutants of {sums.Models} models: {sums.Rejected} rejected, {sums.Accepted} accepted, {sums.Ran} of them run; {defects.Count} show a defect");
        });
        return defects.Count == 0 ? 0 : 1;
    }

    private static MutantResult[] RunAll(
        IReadOnlyList<int> numbers,
        Func<FuzzWorker> start,
        int jobs,
        Terminal terminal,
        IProgress<(string Stage, double Share)> progress,
        CancellationToken cancellation)
    {
        MutantResult[] results = new MutantResult[numbers.Count];
        ConcurrentQueue<int> waiting = new(Enumerable.Range(0, numbers.Count));
        int done = 0;
        Task[] loops =
        [
            .. Enumerable.Range(0, Math.Min(jobs, numbers.Count)).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    using FuzzWorker worker = start();
                    while (waiting.TryDequeue(out int i))
                    {
                        cancellation.ThrowIfCancellationRequested();
                        results[i] = worker.Run(numbers[i], cancellation);
                        terminal.Note($"mutant {numbers[i]}: {results[i].Outcome} {results[i].Id} {results[i].Reason}");
                        progress.Report(($"mutant {numbers[i]}", (double)Interlocked.Increment(ref done) / numbers.Count));
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

    private static string Write(string folder, string name, byte[] content)
    {
        string path = Path.Combine(folder, name);
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(path, content);
            return path;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FailedException(path, DiagnosticTable.NotWritable, path, failure.Message);
        }
    }

    private static ulong Seed(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : throw new FormatException($"'{text}' is not a number of at least 0");

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : throw new FormatException($"'{text}' is not a number of at least 0");

    private sealed record Result(
        ulong Seed,
        int Models,
        int Mutants,
        int Rejected,
        int Accepted,
        int Ran,
        IReadOnlyDictionary<string, int> Diagnostics,
        IReadOnlyList<Defect> Defects);
}
