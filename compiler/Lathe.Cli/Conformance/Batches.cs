using System.Collections.Concurrent;

namespace Lathe.Cli.Conformance;

/// <summary>Divides cases into batches and runs them on several workers.</summary>
internal static class Batches
{
    // Enough that what an assembly costs by itself no longer counts, and few enough that a crash repeats little.
    private const int MostCases = 32;

    // The size of a model's file tells large networks from tests of an operator.
    private const long MostModelBytes = 64 << 10;

    /// <summary>The numbers of the cases of each batch; batches with the largest models first, for they take longest.</summary>
    public static IReadOnlyList<IReadOnlyList<int>> Of(IReadOnlyList<TestCase> cases)
    {
        List<(List<int> Cases, long Bytes)> batches = [];
        foreach ((int number, long bytes) in cases.Select((test, i) => (i, new FileInfo(test.Model).Length)).OrderByDescending(one => one.Length))
        {
            if (batches.Count == 0 || batches[^1].Cases.Count == MostCases || batches[^1].Bytes + bytes > MostModelBytes) batches.Add(([], 0));
            batches[^1].Cases.Add(number);
            batches[^1] = batches[^1] with { Bytes = batches[^1].Bytes + bytes };
        }

        return [.. batches.Select(batch => batch.Cases)];
    }

    /// <summary>Runs cases.</summary>
    /// <param name="cases">The cases.</param>
    /// <param name="createWorker">Makes a worker that tells its results to a function.</param>
    /// <param name="jobs">How many workers work at the same time.</param>
    /// <param name="progress">Is told how far the work has come.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>The results in the order of the cases.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IReadOnlyList<CaseResult> Run(
        IReadOnlyList<TestCase> cases, Func<Action<CaseResult>, Worker> createWorker, int jobs, IProgress<(string Stage, double Share)> progress, CancellationToken cancellation)
    {
        ConcurrentDictionary<string, CaseResult> results = new(StringComparer.Ordinal);
        IReadOnlyList<IReadOnlyList<int>> batches = Of(cases);
        ConcurrentQueue<IReadOnlyList<int>> waiting = new(batches);
        Task[] loops = [.. Enumerable.Range(0, Math.Min(jobs, batches.Count)).Select(_ => Task.Factory.StartNew(Work, TaskCreationOptions.LongRunning))];
        try
        {
            Task.WaitAll(loops, CancellationToken.None);
        }
        catch (AggregateException failures)
        {
            throw failures.InnerExceptions.OfType<OperationCanceledException>().FirstOrDefault() ?? failures.InnerExceptions[0];
        }

        return [.. cases.Select(test => results[test.Name])];

        void Work()
        {
            using Worker worker = createWorker(result =>
            {
                results[result.Name] = result;
                progress.Report((result.Name, (double)results.Count / cases.Count));
            });
            while (waiting.TryDequeue(out IReadOnlyList<int>? batch))
            {
                cancellation.ThrowIfCancellationRequested();
                worker.Run([.. batch.Select(i => cases[i])], cancellation);
            }
        }
    }
}
