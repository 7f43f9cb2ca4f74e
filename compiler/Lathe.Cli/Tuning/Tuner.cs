using Lathe.Cli.Arguments;
using Lathe.Cli.Bench;
using Lathe.Cli.Commands;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Compiler;
using Lathe.Compiler.Tuning;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tuning;

/// <summary>
/// Finds the choices of a model for one instruction set. A trial compiles the model with the k-th candidate of every signature at once, which measures each where it
/// will run; the trials take turns, round by round, each time in a fresh process. What wins is measured again, against the default, before it is believed: the
/// best of many figures is partly luck.
/// </summary>
internal sealed class Tuner(
    ModelRequest request, InputSet inputs, Isa isa, int threads, double seconds, string folder, IProgress<(string Stage, double Share)> progress, Terminal terminal,
    CancellationToken cancellation)
{
    private const int Rounds = 5;

    private readonly BenchSettings _settings = new(false, threads, 1, 1, null, seconds / Rounds, null, PerLayer: true, null);
    private (Dictionary<string, string> Files, Dictionary<string, long> Dims, IReadOnlyList<string> Warnings)? _prepared;
    private Trial? _first;
    private int _trials, _steps, _allSteps = 1;

    /// <summary>Measures.</summary>
    /// <returns>The entries, and the milliseconds of an inference with the defaults and with the entries.</returns>
    /// <exception cref="FailedException">The model cannot be compiled or measured.</exception>
    public (IReadOnlyList<TuningEntry> Entries, double DefaultMs, double TunedMs) Run()
    {
        Trial plain = Compile([]);
        IReadOnlyList<Times> algorithms = TimesOf(plain, ofConvolutions: true), schedules = TimesOf(plain, ofConvolutions: false);
        _allSteps = (Most(algorithms) + Most(schedules) + 5) * (Rounds + 1);

        // 1. Algorithms, each with the default schedules, since they decide which kernels there are.
        IReadOnlyList<TuningEntry> chosen = Measure("algorithms", plain, algorithms, []);
        Trial based = chosen.All(e => e.Chosen.IsDefault) ? plain : Compile(chosen);

        // 2. Schedules.
        schedules = TimesOf(based, ofConvolutions: false);
        IReadOnlyList<TuningEntry> entries = [.. chosen, .. Measure("schedules", based, schedules, chosen)];

        // 3. What is not the default once more, beside the default.
        if (entries.Any(e => !e.Chosen.IsDefault))
        {
            Dictionary<string, Times> again = [];
            foreach (Decision decision in plain.Report.Decisions.Concat(based.Report.Decisions)) again.TryAdd(decision.Signature, new Times(decision));
            Take("confirming", again, [.. ((Trial[])[plain, based, Compile(entries)]).Distinct()]);
            Dictionary<string, Times> first = algorithms.Concat(schedules).ToDictionary(t => t.Decision.Signature);
            entries =
            [
                .. entries.Select(e => e.Chosen.IsDefault || again[e.Signature] is var times && times.IsFaster(e.Chosen.Choice, times.Default)
                    ? e
                    : first[e.Signature].EntryFor(first[e.Signature].Default)),
            ];
        }

        // 4. The whole, without and with what is left.
        double[] ms = Take("the whole", [], entries.All(e => e.Chosen.IsDefault) ? [plain] : [plain, Compile(entries)]);
        return (entries, ms[0], ms[^1]);
    }

    private static int Most(IReadOnlyList<Times> times) => times.Select(t => t.Decision.Candidates.Count).DefaultIfEmpty(0).Max();

    /// <summary>What there is to choose in a compiled model.</summary>
    private IReadOnlyList<Times> TimesOf(Trial trial, bool ofConvolutions) =>
        [.. trial.Report.Decisions.Where(d => d.Isa == isa && d.IsOfAlgorithm == ofConvolutions).Select(d => new Times(d))];

    /// <summary>Measures all candidates and chooses among them.</summary>
    private IReadOnlyList<TuningEntry> Measure(string stage, Trial based, IReadOnlyList<Times> times, IReadOnlyList<TuningEntry> given)
    {
        List<Trial> trials = [based];
        for (int k = 1; k < Most(times); k++)
        {
            progress.Report(($"{stage}: compiling candidate {k + 1} of {Most(times)}", Share));
            trials.Add(Compile([.. given, .. times.Select(t => t.Decision).Where(d => k < d.Candidates.Count).Select(d => Entry(d, d.Candidates[k]))]));
        }

        if (trials.Count > 1) Take(stage, times.ToDictionary(t => t.Decision.Signature), trials);
        return [.. times.Where(t => t.IsMeasured).Select(t => t.EntryFor(t.Best()))];
    }

    private static TuningEntry Entry(Decision decision, string choice) => new(decision.Isa, decision.Signature, [new TuningFigure(choice, 0, false)]);

    /// <summary>Measures trials in turn.</summary>
    /// <returns>The milliseconds of the fastest inference of each.</returns>
    private double[] Take(string stage, Dictionary<string, Times> times, IReadOnlyList<Trial> trials)
    {
        double[] least = [.. trials.Select(_ => double.PositiveInfinity)];
        QuietProcess.Await(cancellation);
        for (int round = 1; round <= Rounds; round++)
        {
            for (int i = 0; i < trials.Count; i++)
            {
                progress.Report(($"{stage}: round {round} of {Rounds}, candidate {i + 1} of {trials.Count}", Share));
                RunnerReport measured = RunnerProcess.Measure(
                    request, trials[i].Assembly, _prepared!.Value.Files, _prepared.Value.Dims, inputs.Seed, _settings, new Silent(), terminal, cancellation);
                trials[i].Add(measured, isa, times);
                least[i] = Math.Min(least[i], measured.LatencyMs?.Min ?? double.PositiveInfinity);
                _steps++;
            }
        }

        return least;
    }

    private double Share => Math.Min(1, (double)_steps / _allSteps);

    private Trial Compile(IReadOnlyList<TuningEntry> entries)
    {
        CompileOptions options = request.Options with { Isas = [isa], Tuning = entries.Count == 0 ? null : new TuningRecord("", threads, entries) };
        CompileResult result = Compilation.Compile(request.Path, options, cancellation);
        if (result.Module is null) throw new FailedException(request.Path, result.Diagnostics);
        Trial trial = Trial.Write(result.Module, Path.Combine(folder, $"{_trials++}"), _first, request.Path);
        _first ??= trial;
        _prepared ??= BenchCommand.Prepare(request, new CompiledFile(trial.Assembly, null, []), inputs, _settings, folder, terminal);
        _steps++;
        return trial;
    }

    private sealed class Silent : IProgress<(string Stage, double Share)>
    {
        public void Report((string Stage, double Share) value)
        {
        }
    }
}
