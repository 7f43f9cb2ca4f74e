using System.Diagnostics;
using System.Text.Json;
using Lathe.Cli.Models;
using Lathe.Cli.Output;

namespace Lathe.Cli.Conformance;

/// <summary>
/// A process that runs cases one after the other: a case's folder goes in as a line, its result comes back as a line of JSON. A case that
/// crashes the process or takes too long is that case's failure; the next gets a new process.
/// </summary>
internal sealed class Worker(IReadOnlyList<string> arguments, TimeSpan timeLimit) : IDisposable
{
    /// <summary>The option that makes <c>lathe conformance</c> such a process.</summary>
    public const string Flag = "--worker";

    // Compiled code is given back late; a fresh process now and then bounds what it takes.
    private const int CasesPerProcess = 200;

    private Process? _process;
    private int _cases;

    /// <summary>Runs a case.</summary>
    public CaseResult Run(TestCase test, CancellationToken cancellation)
    {
        if (_cases++ % CasesPerProcess == 0) Stop();
        Process process = _process ??= Start();
        try
        {
            process.StandardInput.WriteLine(JsonSerializer.Serialize(test));
            process.StandardInput.Flush();
            Task<string?> answer = process.StandardOutput.ReadLineAsync(cancellation).AsTask();
            if (!answer.Wait(timeLimit, cancellation))
            {
                Stop();
                return new CaseResult(test.Name, CaseResult.Failed, $"it took longer than {timeLimit.TotalSeconds:F0} s");
            }

            if (answer.Result is { } line) return JsonSerializer.Deserialize<CaseResult>(line, JsonLine.Options)!;
        }
        catch (IOException)
        {
            // The process has gone: the pipe is broken.
        }
        catch (OperationCanceledException)
        {
            Stop();
            throw;
        }

        process.WaitForExit();
        int code = process.ExitCode;
        Stop();
        return new CaseResult(test.Name, CaseResult.Failed, $"the process ended with code {code}");
    }

    /// <summary>Ends the process.</summary>
    public void Dispose() => Stop();

    /// <summary>What the process does: answers until its input ends.</summary>
    public static void Serve(TextReader input, TextWriter output, Func<TestCase, CaseResult> run)
    {
        while (input.ReadLine() is { } line)
        {
            output.WriteLine(JsonLine.Of(run(JsonSerializer.Deserialize<TestCase>(line)!)));
            output.Flush();
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
