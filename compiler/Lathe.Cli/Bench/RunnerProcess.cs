using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli.Bench;

/// <summary>Measures in a fresh process that holds the runtime and the compiled model, and no compiler.</summary>
internal static partial class RunnerProcess
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    /// <summary>Runs the process.</summary>
    /// <param name="request">Names the model in messages.</param>
    /// <param name="assembly">The kernel assembly.</param>
    /// <param name="inputs">Files with raw elements by input.</param>
    /// <param name="dims">Values of the model's named dims.</param>
    /// <param name="seed">Of inputs without a file.</param>
    /// <param name="settings">How is measured.</param>
    /// <param name="progress">Is told how far it is.</param>
    /// <param name="terminal">Takes notes.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <exception cref="FailedException">It gave no result.</exception>
    public static RunnerReport Measure(
        ModelRequest request,
        string assembly,
        IReadOnlyDictionary<string, string> inputs,
        IReadOnlyDictionary<string, long> dims,
        ulong seed,
        BenchSettings settings,
        IProgress<(string Stage, double Share)> progress,
        Terminal terminal,
        CancellationToken cancellation)
    {
        ProcessStartInfo start = new(DotnetHost.Path) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string argument in Arguments(assembly, inputs, dims, seed, request, settings)) start.ArgumentList.Add(argument);
        terminal.Note($"{start.FileName} {string.Join(' ', start.ArgumentList)}");
        (int code, string output, string errors) = Run(start, settings, progress, cancellation);
        string? line = output.Split('\n').LastOrDefault(l => l.StartsWith('{'));
        if (code == 0 && line is not null) return JsonSerializer.Deserialize<RunnerReport>(line, JsonLine.Options)!;

        // Its errors end with a line that says what is wrong, with an id where the runtime has one.
        string last = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? $"it ended with code {code}";
        if (ErrorLine().Match(last) is { Success: true } match)
            throw new FailedException(request.Path, new DiagnosticDescriptor(match.Groups["id"].Value, Severity.Error, "{0}"), match.Groups["text"].Value);
        throw new FailedException(request.Path, DiagnosticTable.MeasurementFailed, last);
    }

    private static IEnumerable<string> Arguments(
        string assembly, IReadOnlyDictionary<string, string> inputs, IReadOnlyDictionary<string, long> dims, ulong seed, ModelRequest request,
        BenchSettings settings)
    {
        // The runner in machine code, where this build of lathe could make it.
        string folder = Path.GetDirectoryName(typeof(RunnerProcess).Assembly.Location)!, precompiled = Path.Combine(folder, "runner", "Lathe.Runner.dll");
        yield return File.Exists(precompiled) ? precompiled : Path.Combine(folder, "Lathe.Runner.dll");
        yield return assembly;
        List<(string Name, string Value)> options =
        [
            .. inputs.Select(input => ("--input", $"{input.Key}={input.Value}")),
            .. dims.Select(dim => ("--dim", $"{dim.Key}={dim.Value}")),
            ("--seed", seed.ToString(CultureInfo.InvariantCulture)),
            ("--threads", settings.Threads.ToString(CultureInfo.InvariantCulture)),
            ("--streams", settings.Streams.ToString(CultureInfo.InvariantCulture)),
            ("--requests", settings.Requests.ToString(CultureInfo.InvariantCulture)),
            ("--api", settings.Api),
            settings.Iterations is { } iterations
                ? ("--iterations", iterations.ToString(CultureInfo.InvariantCulture))
                : ("--seconds", settings.Seconds.ToString(CultureInfo.InvariantCulture)),
        ];
        if (request.FlushDenormals is { } flush) options.Add(("--denormals", flush ? "flush" : "keep"));
        foreach ((string name, string value) in options)
        {
            yield return name;
            yield return value;
        }

        if (settings.PerLayer) yield return "-pc";
        if (request.RequireDevice) yield return "--require-device";
    }

    private static (int Code, string Output, string Errors) Run(
        ProcessStartInfo start, BenchSettings settings, IProgress<(string Stage, double Share)> progress, CancellationToken cancellation)
    {
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None), errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        Stopwatch clock = Stopwatch.StartNew();
        while (!process.WaitForExit(Tick))
        {
            if (settings.Iterations is null) progress.Report(("measuring", Math.Min(1, clock.Elapsed.TotalSeconds / (settings.Seconds + 1))));
            if (!cancellation.IsCancellationRequested) continue;
            process.Kill(entireProcessTree: true);
            cancellation.ThrowIfCancellationRequested();
        }

        process.WaitForExit();
        return (process.ExitCode, output.Result, errors.Result);
    }

    [GeneratedRegex(@"^error (?<id>LATHE\d{4}): (?<text>.*)$")]
    private static partial Regex ErrorLine();
}
