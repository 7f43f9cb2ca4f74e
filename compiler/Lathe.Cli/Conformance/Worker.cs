using System.Text.Json;
using Lathe.Cli.Output;
using Lathe.Cli.Workers;

namespace Lathe.Cli.Conformance;

/// <summary>
/// Runs batches of cases in a process: a batch goes in as a line of JSON, what it does and how each case ended comes back as lines. A case that
/// crashes the process, takes too long or too much memory is that case's failure; the others of its batch go on in a new process.
/// </summary>
/// <param name="arguments">The command line of the process, without <see cref="WorkerProcess.Flag"/>.</param>
/// <param name="limits">What a case may take.</param>
/// <param name="onResult">Is told every result.</param>
internal sealed class Worker(IReadOnlyList<string> arguments, CaseLimits limits, Action<CaseResult> onResult) : IDisposable
{
    // A machine under load starts processes slowly; that is no case's fault.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(1);

    private readonly WorkerProcess _process = new(arguments, limits.Memory);

    /// <summary>Runs a batch.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void Run(IReadOnlyList<TestCase> batch, CancellationToken cancellation)
    {
        List<TestCase> open = [.. batch];
        while (open.Count > 0)
        {
            WorkerMessage last = WorkerMessage.Initial;
            string? ended = Exchange(open, ref last, out HashSet<int> done, cancellation);
            if (ended is not null)
            {
                if ((last.Case ?? (open.Count == 1 ? 0 : null)) is not { } culprit)
                {
                    Split([.. open.Where((_, i) => !done.Contains(i))], cancellation);
                    return;
                }

                // A result may have come before the process ended.
                if (done.Add(culprit)) onResult(new CaseResult(open[culprit].Name, CaseResult.Failed, ended));
            }

            open = [.. open.Where((_, i) => !done.Contains(i))];
        }
    }

    /// <summary>Ends the process.</summary>
    public void Dispose() => _process.Dispose();

    /// <summary>What the process does: answers until its input ends.</summary>
    public static void Serve(TextReader input, TextWriter output, Action<IReadOnlyList<TestCase>, Action<WorkerMessage>> run)
    {
        while (input.ReadLine() is { } line)
        {
            run(JsonSerializer.Deserialize<IReadOnlyList<TestCase>>(line)!, message =>
            {
                output.WriteLine(JsonLine.Of(message));
                output.Flush();
            });
        }
    }

    /// <summary>It is not known which of several cases is at fault: halves, down to one.</summary>
    private void Split(IReadOnlyList<TestCase> open, CancellationToken cancellation)
    {
        int half = (open.Count + 1) / 2;
        Run([.. open.Take(half)], cancellation);
        Run([.. open.Skip(half)], cancellation);
    }

    /// <summary>Sends a batch and takes messages until every case has a result.</summary>
    /// <returns>Null, or why there will be no more messages, of which <paramref name="last"/> was the last.</returns>
    private string? Exchange(IReadOnlyList<TestCase> batch, ref WorkerMessage last, out HashSet<int> done, CancellationToken cancellation)
    {
        done = [];
        _process.Refresh();
        _process.Send(JsonSerializer.Serialize(batch));
        while (done.Count < batch.Count)
        {
            WorkerReply reply = _process.Receive(LimitOf(last, batch.Count - done.Count), cancellation);
            if (reply.Line is null) return reply.Reason;
            last = JsonSerializer.Deserialize<WorkerMessage>(reply.Line, JsonLine.Options)!;
            if (last.Result is null || !done.Add(last.Case!.Value)) continue;
            onResult(last.Result);
        }

        return null;
    }

    private TimeSpan LimitOf(WorkerMessage message, int cases) => message.Stage switch
    {
        WorkerStage.Starting => StartLimit + limits.Time,
        WorkerStage.Emitting => limits.Time * cases,
        _ => limits.Time,
    };
}
