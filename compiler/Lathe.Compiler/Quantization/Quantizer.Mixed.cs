using System.Globalization;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
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

    /// <summary>Chooses the layers that are not computed in bytes.</summary>
    private (Written Written, HashSet<string> Kept, MixedPrecision Report) Mix(
        Placement all, IReadOnlySet<string> fixedKept, IReadOnlySet<string> fixedBytes, Dictionary<string, Histogram> histograms, LayerErrors errors, LossBudget budget)
    {
        string[] candidates = [.. all.Contractions.Select(c => c.Key).Where(k => !fixedKept.Contains(k) && !fixedBytes.Contains(k))];
        Mixed<Written> mixed = Search(PrecisionNames.Int8, budget, candidates, Quantized([], 0.4, 0.5), Trials, kept => kept.Count + fixedKept.Count < all.Contractions.Count ? Quantized(kept, 0.95, 1) : null, start: 0.6);
        return (mixed.Result, [.. fixedKept, .. mixed.Kept], mixed.Report);

        (Written, ModelLoss) Quantized(IEnumerable<string> kept, double from, double to)
        {
            Written written = Write(Kept(kept), histograms, errors, from, to);
            return (written, written.Loss);
        }

        HashSet<string> Kept(IEnumerable<string> kept) => new(kept.Concat(fixedKept), StringComparer.Ordinal);

        (SwitchedTrials, Func<IEnumerable<string>, TensorData>) Trials()
        {
            Network clean = new(_model.Clone(), _tensors);
            Dictionary<string, QuantizedRange> ranges = RangesOf(all, histograms);
            ModelProto model = _model.Clone();
            Placement placement = PlacementOf(model, new HashSet<string>(), out Network network);
            string[] names = [.. model.Graph.Output.Select(o => o.Name)];
            SwitchedNetwork switched = SwitchedNetwork.OfBytes(network, placement, RangesOf(placement, histograms), Corrections(errors));
            Progress("preparing trials", 0, 0.5, 0.6);
            return (
                new SwitchedTrials(_runner, Compile(WithOutputs(_original.Clone(), names)), Compile(WithOutputs(model, names)), switched.Flags, Judged(), names),
                kept => switched.Of(clean, new Placement(clean, _types.GetValueOrDefault, Kept(kept)), ranges));
        }
    }

    /// <summary>
    /// Searches for the fewest layers to keep in float32. Each layer's rounding alone ranks it, by what the outputs lose; then the fewest of the ranking are searched for. Trials run a network with
    /// switches; what comes of them is judged as it is deployed, and searched for again where it loses more than they said.
    /// </summary>
    /// <param name="precision">What layers have that are not kept.</param>
    /// <param name="budget">What may be lost.</param>
    /// <param name="candidates">The layers, by key.</param>
    /// <param name="first">What is deployed with none kept, and what it loses.</param>
    /// <param name="prepare">Makes the trials, and the flags that keep some layers.</param>
    /// <param name="judge">What is deployed with some kept, and what it loses; null if nothing would be left to round.</param>
    /// <param name="start">The share of the work that is done before.</param>
    /// <exception cref="DiagnosticException">No choice keeps to the budget.</exception>
    private Mixed<T> Search<T>(
        string precision,
        LossBudget budget,
        string[] candidates,
        (T Result, ModelLoss Loss) first,
        Func<(SwitchedTrials Trials, Func<IEnumerable<string>, TensorData> Flags)> prepare,
        Func<IReadOnlySet<string>, (T Result, ModelLoss Loss)?> judge,
        double start)
    {
        const double end = 0.95;
        Dictionary<string, double> alone = new(StringComparer.Ordinal);
        double middle = (start + end) / 2, margin = 0;
        if (budget.Points is not null && first.Loss.LostPoints is null) throw WithoutClasses();
        if (first.Loss.Over(budget) <= 0) return Chosen(first, new HashSet<string>(), 1);
        if (candidates.Length == 0) throw NotMet();

        (SwitchedTrials made, Func<IEnumerable<string>, TensorData> flags) = prepare();
        using SwitchedTrials trials = made;
        foreach (string candidate in candidates)
        {
            alone.Add(candidate, Try(candidates.Where(c => c != candidate), MostRanked).Decibels);
            Progress("ranking layers", (double)alone.Count / candidates.Length, start, middle);
        }

        for (int round = 0; round < MostRounds; round++)
        {
            double asked = margin;
            if (FewestKept.Find([.. candidates.OrderBy(c => alone[c])], kept => Counted(Try(kept)).Over(budget) <= -asked) is not { } found || judge(found) is not { } judged) break;
            if (judged.Loss.Over(budget) is var over && over <= 0) return Chosen(judged, found, trials.Count + round + 2);
            margin += over + LeastMargin;
        }

        throw NotMet();

        ModelLoss Try(IEnumerable<string> kept, int most = int.MaxValue)
        {
            _cancellation.ThrowIfCancellationRequested();
            return trials.Try(flags(kept), most);
        }

        ModelLoss Counted(ModelLoss loss)
        {
            Progress($"choosing layers, {trials.Count} choices tried", Math.Min(1, (trials.Count - candidates.Length) / (double)candidates.Length), middle, end);
            return loss;
        }

        Mixed<T> Chosen((T Result, ModelLoss Loss) chosen, IReadOnlySet<string> kept, int count) => new(chosen.Result, kept, alone, new MixedPrecision(
            budget.Text, kept.Count, candidates.Length, first.Loss.Decibels, chosen.Loss.Decibels, first.Loss.LostPoints, chosen.Loss.LostPoints, count));

        DiagnosticException NotMet() => Fails(DiagnosticTable.MixedBudgetNotMet, budget.Text, precision, first.Loss.InWords(budget), candidates.Length.ToString(CultureInfo.InvariantCulture));
    }

    private static DiagnosticException WithoutClasses() =>
        Fails(DiagnosticTable.BadOption, "--mixed", "no output has scores of classes, [items, classes], that could agree: give a ratio such as 30dB");

    /// <summary>What a search found.</summary>
    /// <param name="Result">What is deployed.</param>
    /// <param name="Kept">The layers that it keeps.</param>
    /// <param name="Alone">For each layer, what the outputs lose where it alone is rounded, in decibels; none where nothing was searched.</param>
    /// <param name="Report">The search.</param>
    private sealed record Mixed<T>(T Result, IReadOnlySet<string> Kept, IReadOnlyDictionary<string, double> Alone, MixedPrecision Report);
}
