using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Lathe.Cli.Models;
using Lathe.Cli.Output;

namespace Lathe.Cli.Workers;

/// <summary>
/// A process of this command that answers lines with lines, held to limits, so that it can crash, hang or eat memory without harm. One that has ended is
/// replaced when it is next needed.
/// </summary>
/// <param name="arguments">The command line, without <see cref="Flag"/>.</param>
/// <param name="memoryLimit">How many bytes it may hold.</param>
internal sealed class WorkerProcess(IReadOnlyList<string> arguments, long memoryLimit) : IDisposable
{
    /// <summary>The option that makes a command such a process.</summary>
    public const string Flag = "--worker";

    /// <summary>Compiled code is given back late: a process that holds more than this share of the limit is replaced before the next work.</summary>
    private const double ShareHeld = 0.5;

    /// <summary>How much of what a process writes before it ends is kept: the head of a stack trace says most.</summary>
    private const int KeptLines = 12;

    /// <summary>A time limit is on what processors work, so that other load is not the process's failure; one that only waits gets this many times as long.</summary>
    private const int Patience = 20;

    /// <summary>A heap that is large enough for any process to start.</summary>
    private const long LeastHeap = 256 << 20;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly List<string> _lastWords = [];
    private Process? _process;

    /// <summary>Sends a line. <see cref="Receive"/> says if there is no process any more to read it.</summary>
    public void Send(string line)
    {
        _process ??= Start();
        try
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // The pipe is broken: the process has gone, and left its answers.
        }
    }

    /// <summary>Waits for the next line.</summary>
    /// <param name="limit">How long the process may work for it.</param>
    /// <param name="cancellation">Ends the waiting, and the process.</param>
    /// <returns>The line, or how the process ended instead.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public WorkerReply Receive(TimeSpan limit, CancellationToken cancellation)
    {
        Process process = _process ?? throw new InvalidOperationException("There is no process that could answer.");
        (TimeSpan before, _) = Measure(process);
        long start = Stopwatch.GetTimestamp();
        WorkerReply Late() => Ended(WorkerEnd.Hang, $"it took longer than {limit.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s");
        try
        {
            Task<string?> line = process.StandardOutput.ReadLineAsync(CancellationToken.None).AsTask();
            while (!line.Wait(Interval, cancellation))
            {
                (TimeSpan now, long memory) = Measure(process);
                if (now - before > limit || Stopwatch.GetElapsedTime(start) > Patience * limit) return Late();
                if (memory > memoryLimit) return Ended(WorkerEnd.Memory, $"it took more than {Terminal.Bytes(memoryLimit)} of memory");
            }

            // An answer that came between two looks at the clock is late all the same.
            if (line.Result is { } text) return Stopwatch.GetElapsedTime(start) > Patience * limit ? Late() : new WorkerReply(text, null, null);
        }
        catch (Exception failure) when (failure is IOException or AggregateException { InnerException: IOException })
        {
            // As at the end of its output: the process has gone.
        }
        catch (OperationCanceledException)
        {
            Stop();
            throw;
        }

        process.WaitForExit();
        string words;
        lock (_lastWords) words = string.Join(" | ", _lastWords);
        return Ended(WorkerEnd.Crash, $"the process ended with code {process.ExitCode}{(words.Length > 0 ? $": {Terminal.Clean(words)}" : "")}");
    }

    /// <summary>Ends a process that has ended or holds so much that the next work might be blamed for it.</summary>
    public void Refresh()
    {
        if (_process is not null && (_process.HasExited || Measure(_process).Memory > ShareHeld * memoryLimit)) Stop();
    }

    /// <summary>Ends the process.</summary>
    public void Stop()
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

    /// <summary>Lets the process end by itself, as it does without input, so that it can tidy up; what it does not end in time is ended.</summary>
    public void Dispose()
    {
        _process?.StandardInput.Close();
        _process?.WaitForExit(Grace);
        Stop();
    }

    private static (TimeSpan Time, long Memory) Measure(Process process)
    {
        try
        {
            process.Refresh();
            return (process.TotalProcessorTime, process.WorkingSet64);
        }
        catch (Exception ended) when (ended is InvalidOperationException or Win32Exception)
        {
            // It has ended, perhaps between two of these questions.
            return default;
        }
    }

    private WorkerReply Ended(WorkerEnd end, string reason)
    {
        Stop();
        return new WorkerReply(null, end, reason);
    }

    private Process Start()
    {
        ProcessStartInfo start = new(DotnetHost.Path) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(typeof(WorkerProcess).Assembly.Location);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        start.ArgumentList.Add(Flag);
        // What managed code asks for beyond the limit fails where it is asked for, and the stack trace says where.
        start.Environment["DOTNET_GCHeapHardLimit"] = $"0x{Math.Max(memoryLimit, LeastHeap):x}";
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
}

/// <summary>What came of waiting for a line.</summary>
/// <param name="Line">The line; null if there will be none.</param>
/// <param name="End">How the process ended; null if it goes on.</param>
/// <param name="Reason">How it ended, in words.</param>
internal sealed record WorkerReply(string? Line, WorkerEnd? End, string? Reason);

/// <summary>Why a process did not answer.</summary>
internal enum WorkerEnd
{
    /// <summary>It ended by itself.</summary>
    Crash,

    /// <summary>It took longer than its limit, and was ended.</summary>
    Hang,

    /// <summary>It held more memory than its limit, and was ended.</summary>
    Memory,
}
