using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Compiler.Passes;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <content>Which layers keep weights of 32 bits so that a budget is kept to: that search with weights that are rounded in place of layers of bytes.</content>
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
        Mixed<ModelLoss> mixed = Search(precision, budget, [.. nodes.Keys], Judge(new HashSet<string>())!.Value, Trials, Judge, start: 0.3);
        string text = TextOf(mixed.Kept, mixed.Report, mixed.Alone);
        return new MixedWeights(mixed.Report, NodePrecisions.Parse(text), text);

        (SwitchedTrials, Func<IEnumerable<string>, TensorData>) Trials()
        {
            SwitchedNetwork switched = SwitchedNetwork.OfWeights(network, candidates.Select(c => (c, Rounded(c.Weights, element))));
            return (
                new SwitchedTrials(_runner, exact, Compile(WithOutputs(copy, names)), switched.Flags, Judged(), names),
                kept => switched.Of(nodes.Keys.Except(kept)));
        }

        // The file itself, compiled with the rules.
        (ModelLoss, ModelLoss)? Judge(IReadOnlySet<string> kept)
        {
            IReadOnlyList<NodeRule> rules = NodePrecisions.Parse(TextOf(kept, null, new Dictionary<string, double>()));
            CompiledOutput narrow = Compile(WithOutputs(_original.Clone(), names), _options with { Precision = precision, PrecisionRules = rules });
            ModelLoss loss = new(names);
            _runner.Run([exact, narrow], Judged(), (_, outputs) => loss.Add(outputs[0], outputs[1]));
            return (loss, loss);
        }

        string TextOf(IEnumerable<string> kept, MixedPrecision? report, IReadOnlyDictionary<string, double> alone) => MixedRules.Text(
            model, precision, _samples, report, null, "at the outputs with this layer alone", _rules, kept.Select(k => (nodes[k], PrecisionNames.Fp32, alone.TryGetValue(k, out double db) ? (double?)db : null)));
    }

    private static TensorData Rounded(TensorData weights, ElementType element) =>
        new Cast(ElementType.Float32).Evaluate([new Cast(element).Evaluate([weights], [])[0]], [])[0];
}
