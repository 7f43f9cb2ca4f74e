using System.Globalization;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Onnx;

namespace Lathe.Compiler.Quantization;

/// <content>Which layers stay in floats so that a budget is kept to.</content>
public sealed partial class Quantizer
{
    /// <summary>Layers are ranked on so many samples: what they are ranked by is a mean over many elements.</summary>
    private const int MostRanked = 4;

    /// <summary>How often the search is repeated with what the quantised model was found to lose beyond what the trials said.</summary>
    private const int MostRounds = 5;

    /// <summary>The least by which a repeated search asks for more, in decibels or points.</summary>
    private const double LeastMargin = 0.1;

    /// <summary>
    /// Each layer's rounding alone ranks it, by what the outputs lose; then the fewest of the ranking are searched for. Trials run the network with switches; the result is judged as it is quantised, and
    /// searched for again where it loses more than they said.
    /// </summary>
    private (Written Written, HashSet<string> Kept, MixedPrecision Report) Mix(
        Placement all, IReadOnlySet<string> fixedKept, IReadOnlySet<string> fixedBytes, Dictionary<string, Histogram> histograms, LayerErrors errors, LossBudget budget)
    {
        Written first = Write(fixedKept, histograms, errors, 0.4, 0.5);
        if (budget.Points is not null && first.Loss.LostPoints is null) throw WithoutClasses();
        string[] candidates = [.. all.Contractions.Select(c => c.Key).Where(k => !fixedKept.Contains(k) && !fixedBytes.Contains(k))];
        if (first.Loss.Over(budget) <= 0) return (first, [.. fixedKept], Report(first, [], 1));
        if (candidates.Length == 0) throw NotMet();

        Network clean = new(_model.Clone(), _tensors);
        Dictionary<string, QuantizedRange> ranges = RangesOf(all, histograms);
        using SwitchedTrials trials = Trials(histograms, errors, out SwitchedNetwork switched);
        ModelLoss Try(IEnumerable<string> kept, int most = int.MaxValue)
        {
            _cancellation.ThrowIfCancellationRequested();
            return trials.Try(switched.Of(clean, new Placement(clean, _types.GetValueOrDefault, new HashSet<string>(kept.Concat(fixedKept), StringComparer.Ordinal)), ranges), most);
        }

        List<(string Key, double Decibels)> alone = [];
        foreach (string candidate in candidates)
        {
            alone.Add((candidate, Try(candidates.Where(c => c != candidate), MostRanked).Decibels));
            Progress("ranking layers", (double)alone.Count / candidates.Length, 0.6, 0.8);
        }

        string[] ranked = [.. alone.OrderBy(a => a.Decibels).Select(a => a.Key)];
        double margin = 0;
        for (int round = 0; round < MostRounds; round++)
        {
            double asked = margin;
            if (FewestKept.Find(ranked, kept => Counted(Try(kept)).Over(budget) <= -asked) is not { } found) break;
            if (found.Count + fixedKept.Count >= all.Contractions.Count) break;
            Written written = Write(new HashSet<string>(fixedKept.Concat(found), StringComparer.Ordinal), histograms, errors, 0.95, 1);
            if (written.Loss.Over(budget) is var over && over <= 0) return (written, [.. fixedKept, .. found], Report(written, found, trials.Count + round + 2));
            margin += over + LeastMargin;
        }

        throw NotMet();

        DiagnosticException NotMet() => Fails(DiagnosticTable.MixedBudgetNotMet, budget.Text, PrecisionNames.Int8, first.Loss.InWords(budget), candidates.Length.ToString(CultureInfo.InvariantCulture));

        ModelLoss Counted(ModelLoss loss)
        {
            Progress($"choosing layers, {trials.Count} choices tried", Math.Min(1, (trials.Count - candidates.Length) / (double)candidates.Length), 0.8, 0.95);
            return loss;
        }

        MixedPrecision Report(Written written, IReadOnlyCollection<string> kept, int count) => new(
            budget.Text, kept.Count, candidates.Length, first.Loss.Decibels, written.Loss.Decibels, first.Loss.LostPoints, written.Loss.LostPoints, count);
    }

    private static DiagnosticException WithoutClasses() =>
        Fails(DiagnosticTable.BadOption, "--mixed", "no output has scores of classes, [items, classes], that could agree: give a ratio such as 30dB");

    private SwitchedTrials Trials(Dictionary<string, Histogram> histograms, LayerErrors errors, out SwitchedNetwork switched)
    {
        ModelProto model = _model.Clone();
        Placement placement = PlacementOf(model, new HashSet<string>(), out Network network);
        string[] names = [.. model.Graph.Output.Select(o => o.Name)];
        switched = SwitchedNetwork.OfBytes(network, placement, RangesOf(placement, histograms), Corrections(errors));
        Progress("preparing trials", 0, 0.5, 0.6);
        return new SwitchedTrials(_runner, Compile(WithOutputs(_original.Clone(), names)), Compile(WithOutputs(model, names)), switched.Flags, Judged(), names);
    }
}
