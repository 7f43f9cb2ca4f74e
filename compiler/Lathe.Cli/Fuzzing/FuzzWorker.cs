using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Lathe.Cli.Models;
using Lathe.Cli.Output;

namespace Lathe.Cli.Fuzzing;

/// <summary>
/// A process that runs mutants one after the other: a number goes in as a line, what became of that mutant comes back as a line of JSON. A mutant
/// that ends the process, takes too long or too much memory is a defect; the next gets a new process.
/// </summary>
internal sealed class FuzzWorker(IReadOnlyList<string> arguments, TimeSpan timeLimit, long memoryLimit) : IDisposable
{
    /// <summary>The option that makes <c>lathe fuzz</c> such a process.</summary>
    public const string Flag = "--worker";

    /// <summary>Compiled code is given back late: a process that holds more than this share of the limit is replaced before the next mutant.</summary>
    private const double ShareHeld = 0.5;

    /// <summary>How much of what a process writes before it ends is kept: the head of a stack trace says most.</summary>
    private const int KeptLines = 12;

    /// <summary>The limit is on the time that processors work, so that it does not depend on what else runs; one that only waits gets this many times as long.</summary>
    private const int Patience = 20;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly List<string> _lastWords = [];
    private Process? _process;

    /// <summary>Runs a mutant.</summary>
    public MutantResult Run(int number, CancellationToken cancellation)
    {
        if (IsFull()) Stop();
        Process process = _process ??= Start();
        Task<string?> answer;
        try
        {
            TimeSpan before = process.TotalProcessorTime;
            long start = Stopwatch.GetTimestamp();
            process.StandardInput.WriteLine(number.ToString(CultureInfo.InvariantCulture));
            process.StandardInput.Flush();
            answer = process.StandardOutput.ReadLineAsync(CancellationToken.None).AsTask();
            while (!answer.Wait(Interval, cancellation))
            {
                process.Refresh();
                if (process.HasExited) continue;
                if (process.TotalProcessorTime - before > timeLimit || Stopwatch.GetElapsedTime(start) > Patience * timeLimit)
                    return Ended(Defect.Hang, $"it took longer than {timeLimit.TotalSeconds:F0} s");
                if (process.WorkingSet64 > memoryLimit) return Ended(Defect.Memory, $"it took more than {memoryLimit >> 20} MB");
            }

            if (answer.Result is { } line) return JsonSerializer.Deserialize<MutantResult>(line, JsonLine.Options)!;
        }
        catch (Exception failure) when (failure is IOException or InvalidOperationException)
        {
            // The process has gone: the pipe is broken, and it has no times any more.
        }
        catch (OperationCanceledException)
        {
            Stop();
            throw;
        }

        process.WaitForExit();
        string words;
        lock (_lastWords) words = string.Join(" | ", _lastWords);
        return Ended(Defect.Crash, $"the process ended with code {process.ExitCode}: {Terminal.Clean(words)}");
    }

    /// <summary>Ends the process.</summary>
    public void Dispose() => Stop();

    /// <summary>What the process does: answers until its input ends.</summary>
    public static void Serve(TextReader input, TextWriter output, Func<int, MutantResult> run)
    {
        while (input.ReadLine() is { } line)
        {
            output.WriteLine(JsonLine.Of(run(int.Parse(line, CultureInfo.InvariantCulture))));
            output.Flush();
        }
    }

    private Process Start()
    {
        ProcessStartInfo start = new(DotnetHost.Path) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(typeof(FuzzWorker).Assembly.Location);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        start.ArgumentList.Add(Flag);
        // What managed code asks for beyond the limit fails where it is asked for, and the stack trace says where.
        start.Environment["DOTNET_GCHeapHardLimit"] = $"0x{memoryLimit:x}";
        // Its code runs a few times: instrumenting it for a better second version costs more than that gains.
        start.Environment["DOTNET_TieredPGO"] = "0";
        _lastWords.Clear();
        Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_lastWords)
                if (line.Data is { Length: > 0 } text && _lastWords.Count < KeptLines) _lastWords.Add(text);
        };
        process.BeginErrorReadLine();
        return process;
    }

    private bool IsFull()
    {
        if (_process is null) return false;
        _process.Refresh();
        return _process.HasExited || _process.WorkingSet64 > ShareHeld * memoryLimit;
    }

    private MutantResult Ended(string kind, string reason)
    {
        Stop();
        return new MutantResult(kind, null, reason);
    }

    private void Stop()
    {
        if (_process is null) return;
        try
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }

        _process.Dispose();
        _process = null;
    }
}
