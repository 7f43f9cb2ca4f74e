using System.Globalization;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Compiler.Passes;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <content>Which layers keep weights of 32 bits so that a budget is kept to: the search of <see cref="Mix"/>, with weights that are rounded in place of layers of bytes.</content>
public sealed partial class Quantizer
{
    /// <summary>Chooses the layers of a model whose weights stay in float32 although its precision has 16 bits.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="options">How it is compiled: the precision, rules for some of its nodes, shapes, and what is made of images before the model sees them.</param>
    /// <param name="budget">What may be lost.</param>
    /// <param name="runner">Runs the samples.</param>
    /// <param name="cancellation">Ends the work between its stages.</param>
    /// <exception cref="DiagnosticException">The model or a sample does not allow it, or no choice keeps to the budget.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static MixedWeights Narrow(string path, CompileOptions options, LossBudget budget, ISampleRunner runner, CancellationToken cancellation = default) =>
        new Quantizer(path, options, new QuantizeOptions { Budget = budget }, runner, cancellation).Narrow(Path.GetFileName(path), options.Precision, budget);

    private MixedWeights Narrow(string model, string precision, LossBudget budget)
    {
        if (QuantizedOperators.AreIn(_model)) throw Fails(DiagnosticTable.AlreadyQuantized);
        ElementType element = PrecisionNames.WeightsOf(precision)!.Value;
        string[] names = [.. _original.Graph.Output.Select(o => o.Name)];
        CompiledOutput exact = Compile(_original.Clone());
        _samples = _runner.Open(exact);
        Prepare();
        ModelProto copy = _model.Clone();
        Network network = new(copy, _tensors);
        // Those with a rule are as it says; what cannot be switched is narrow.
        Contraction[] candidates = [.. copy.Graph.Node.Where(Contraction.Is).Select(n => Contraction.Of(network, n, _types.GetValueOrDefault).Contraction).OfType<Contraction>().Where(c => c.Weights.Count >= NarrowWeights.FewestElements && _precisions.RuleOf(Importer.NameOf(c.Node)) is null)];
        Dictionary<string, string> nodes = candidates.ToDictionary(c => c.Key, c => Importer.NameOf(c.Node));
        Dictionary<string, double> alone = new(StringComparer.Ordinal);

        ModelLoss first = Judge([]);
        if (budget.Points is not null && first.LostPoints is null) throw WithoutClasses();
        if (first.Over(budget) <= 0) return Result(new HashSet<string>(), first, 1);
        if (candidates.Length == 0) throw NotMet();

        string[] keys = [.. nodes.Keys];
        SwitchedNetwork switched = SwitchedNetwork.OfWeights(network, candidates.Select(c => (c, Rounded(c.Weights, element))));
        using SwitchedTrials trials = new(_runner, exact, Compile(WithOutputs(copy, names)), switched.Flags, Judged(), names);
        ModelLoss Try(IEnumerable<string> rounded, int most = int.MaxValue)
        {
            _cancellation.ThrowIfCancellationRequested();
            return trials.Try(switched.Of(rounded), most);
        }

        foreach (string key in keys)
        {
            alone.Add(key, Try([key], MostRanked).Decibels);
            Progress("ranking layers", (double)alone.Count / keys.Length, 0.3, 0.7);
        }

        double margin = 0;
        for (int round = 0; round < MostRounds; round++)
        {
            double asked = margin;
            if (FewestKept.Find([.. keys.OrderBy(k => alone[k])], kept => Counted(Try(keys.Where(k => !kept.Contains(k)))).Over(budget) <= -asked) is not { } found) break;
            ModelLoss loss = Judge(found);
            if (loss.Over(budget) is var over && over <= 0) return Result(found, loss, trials.Count + round + 2);
            margin += over + LeastMargin;
        }

        throw NotMet();

        DiagnosticException NotMet() => Fails(DiagnosticTable.MixedBudgetNotMet, budget.Text, precision, first.InWords(budget), candidates.Length.ToString(CultureInfo.InvariantCulture));

        ModelLoss Counted(ModelLoss loss)
        {
            Progress($"choosing layers, {trials.Count} choices tried", Math.Min(1, (trials.Count - keys.Length) / (double)keys.Length), 0.7, 0.95);
            return loss;
        }

        // The file itself, compiled with the rules.
        ModelLoss Judge(IEnumerable<string> kept)
        {
            IReadOnlyList<NodeRule> rules = NodePrecisions.Parse(TextOf(kept, null));
            CompiledOutput narrow = Compile(WithOutputs(_original.Clone(), names), _options with { Precision = precision, PrecisionRules = rules });
            ModelLoss loss = new(names);
            _runner.Run([exact, narrow], Judged(), (_, outputs) => loss.Add(outputs[0], outputs[1]));
            return loss;
        }

        MixedWeights Result(IReadOnlySet<string> kept, ModelLoss loss, int count)
        {
            MixedPrecision report = new(budget.Text, kept.Count, candidates.Length, first.Decibels, loss.Decibels, first.LostPoints, loss.LostPoints, count);
            string text = TextOf(kept, report);
            return new MixedWeights(report, NodePrecisions.Parse(text), text);
        }

        string TextOf(IEnumerable<string> kept, MixedPrecision? report) => MixedRules.Text(
            model, precision, _samples, report, null, "at the outputs with this layer alone", _rules, kept.Select(k => (nodes[k], PrecisionNames.Fp32, alone.TryGetValue(k, out double db) ? (double?)db : null)));
    }

    private static TensorData Rounded(TensorData weights, ElementType element) =>
        new Cast(ElementType.Float32).Evaluate([new Cast(element).Evaluate([weights], [])[0]], [])[0];
}
