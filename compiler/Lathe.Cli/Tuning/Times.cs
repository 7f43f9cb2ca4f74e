using Lathe.Compiler.Tuning;

namespace Lathe.Cli.Tuning;

/// <summary>What the candidates for one signature took, round by round, and which of them is to be taken.</summary>
/// <param name="decision">The candidates.</param>
internal sealed class Times(Decision decision)
{
    /// <summary>What a candidate has to gain to be told from noise.</summary>
    private const double LeastGain = 0.02;

    private readonly Dictionary<string, List<double>> _rounds = [];

    /// <summary>The candidates.</summary>
    public Decision Decision => decision;

    /// <summary>The cost model's choice.</summary>
    public string Default => decision.Candidates[0];

    /// <summary>Adds what a candidate took in a round, in milliseconds.</summary>
    public void Add(string choice, double ms)
    {
        if (!_rounds.TryGetValue(choice, out List<double>? rounds)) _rounds[choice] = rounds = [];
        rounds.Add(ms);
    }

    /// <summary>The fastest candidate that is faster than the default by more than either varies; else the default.</summary>
    public string Best() =>
        _rounds.Keys.Where(choice => IsFaster(choice, Default)).OrderBy(choice => Median(_rounds[choice])).ThenBy(choice => choice, StringComparer.Ordinal).FirstOrDefault(Default);

    /// <summary>True if one choice is faster than another by more than either varies.</summary>
    public bool IsFaster(string one, string other)
    {
        if (one == other || !_rounds.TryGetValue(one, out List<double>? a) || !_rounds.TryGetValue(other, out List<double>? b)) return false;
        return Median(a) < Median(b) * (1 - Math.Max(LeastGain, Math.Max(Spread(a), Spread(b))));
    }

    /// <summary>False where no step with the signature ran: of a branch that was not taken, say, nothing is known.</summary>
    public bool IsMeasured => _rounds.ContainsKey(Default);

    /// <summary>The entry of a record: what is taken, then what was rejected, the faster first.</summary>
    public TuningEntry EntryFor(string chosen) => new(
        decision.Isa,
        decision.Signature,
        [
            .. _rounds.OrderBy(r => r.Key == chosen ? 0 : 1).ThenBy(r => Median(r.Value)).ThenBy(r => r.Key, StringComparer.Ordinal)
                .Select(r => new TuningFigure(r.Key, Math.Round(Median(r.Value) * 1000, 2), r.Key == Default)),
        ]);

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>How far the median is above the least: what disturbs a machine only adds.</summary>
    private static double Spread(List<double> values) => values.Min() is > 0 and var least ? (Median(values) - least) / least : 1;
}
