using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Lathe.Cli.Models;
using Lathe.Cli.Output;

namespace Lathe.Cli.Conformance;

/// <summary>
/// A process that runs batches of cases: a batch goes in as a line of JSON, what it does and how each case ended comes back as lines. A case that
/// crashes the process, takes too long or too much memory is that case's failure; the others of its batch go on in a new process.
/// </summary>
/// <param name="arguments">The command line of the process, without <see cref="Flag"/>.</param>
/// <param name="limits">What a case may take.</param>
/// <param name="onResult">Is told every result.</param>
internal sealed class Worker(IReadOnlyList<string> arguments, CaseLimits limits, Action<CaseResult> onResult) : IDisposable
{
    /// <summary>The option that makes <c>lathe conformance</c> such a process.</summary>
    public const string Flag = "--worker";

    // A machine under load starts processes slowly; that is no case's fault.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private Process? _process;

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
                Stop();
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

        if (_process is { } process && Measure(process).Memory > limits.Memory / 2) Stop();
    }

    /// <summary>Ends the process: without input it ends by itself.</summary>
    public void Dispose()
    {
        _process?.StandardInput.Close();
        _process?.WaitForExit(Grace);
        Stop();
    }

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
        try
        {
            Process process = _process ??= Start();
            process.StandardInput.WriteLine(JsonSerializer.Serialize(batch));
            process.StandardInput.Flush();
            while (done.Count < batch.Count)
            {
                Task<string?> line = process.StandardOutput.ReadLineAsync(cancellation).AsTask();
                if (Await(process, line, LimitOf(last, batch.Count - done.Count), cancellation) is { } exceeded) return exceeded;
                if (line.Result is null)
                {
                    process.WaitForExit();
                    return $"the process ended with code {process.ExitCode}";
                }

                last = JsonSerializer.Deserialize<WorkerMessage>(line.Result, JsonLine.Options)!;
                if (last.Result is null || !done.Add(last.Case!.Value)) continue;
                onResult(last.Result);
            }

            return null;
        }
        catch (Exception failure) when (failure is IOException or AggregateException { InnerException: IOException })
        {
            // The pipe is broken: the process has gone.
            _process!.WaitForExit();
            return $"the process ended with code {_process.ExitCode}";
        }
        catch (OperationCanceledException)
        {
            Stop();
            throw;
        }
    }

    private TimeSpan LimitOf(WorkerMessage message, int cases) => message.Stage switch
    {
        WorkerStage.Starting => StartLimit + limits.Time,
        WorkerStage.Emitting => limits.Time * cases,
        _ => limits.Time,
    };

    /// <summary>Waits for a line.</summary>
    /// <returns>Null, or which limit was exceeded. What counts is the processor's time, so that other load is not a case's failure; who sleeps is given ten times as long.</returns>
    private string? Await(Process process, Task<string?> line, TimeSpan limit, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        (TimeSpan before, _) = Measure(process);
        while (!line.Wait(Interval, cancellation))
        {
            (TimeSpan now, long memory) = Measure(process);
            if (now - before > limit || Stopwatch.GetElapsedTime(start) > 10 * limit)
                return $"it took longer than {limits.Time.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s";
            if (memory > limits.Memory) return $"it took more than {Terminal.Bytes(limits.Memory)} of memory";
        }

        return null;
    }

    private static (TimeSpan Time, long Memory) Measure(Process process)
    {
        try
        {
            process.Refresh();
            return (process.TotalProcessorTime, process.WorkingSet64);
        }
        catch (InvalidOperationException)
        {
            // It has ended.
            return default;
        }
    }

    private Process Start()
    {
        ProcessStartInfo start = new(DotnetHost.Path)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add(typeof(Worker).Assembly.Location);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        start.ArgumentList.Add(Flag);
        return Process.Start(start)!;
    }

    private void Stop()
    {
        if (_process is null) return;
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }

        _process.Dispose();
        _process = null;
    }
}
