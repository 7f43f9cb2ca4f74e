using System.Globalization;
using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Passes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Quantization;

/// <summary>
/// Quantises a float32 model after its training: its convolutions and products multiply bytes, with ranges that are those of samples. Everything it runs, it runs with the
/// 128-bit kernels in C#, which every machine has: the same model, samples and options give the same file everywhere.
/// </summary>
public sealed partial class Quantizer
{
    /// <summary>As many samples, evenly spaced, tell what layers and outputs lose: an error is a mean over many elements, other than a range.</summary>
    private const int MostJudged = 32;

    /// <summary>What the values that are looked at in one run may take, so that memory is bounded whatever the network.</summary>
    private const long MostObservedBytes = 256 << 20;

    /// <summary>An output that is less like the model's than this, in decibels, is reported: a tenth of it is noise.</summary>
    private const double LeastOfOutput = 10;

    /// <summary>An output of integers is reported if fewer stay the same.</summary>
    private const double LeastEqual = 0.9;

    private readonly ModelProto _original, _model;
    private readonly CompileOptions _options;
    private readonly QuantizeOptions _how;
    private readonly ISampleRunner _runner;
    private readonly CancellationToken _cancellation;
    private readonly TensorReader _tensors;
    private readonly string _directory;
    private readonly IProgress<(string Stage, double Share)>? _report;
    private readonly Dictionary<string, TensorType> _types = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<NodeRule> _rules;
    private NodePrecisions _precisions = NodePrecisions.None;
    private int _samples;

    private Quantizer(string path, CompileOptions options, QuantizeOptions how, ISampleRunner runner, CancellationToken cancellation)
    {
        _original = ModelReader.ReadModel(path, keepsAll: true);
        _model = _original.Clone();
        _directory = OnnxFrontEnd.DirectoryOf(path);
        _tensors = new TensorReader(_directory);
        (_how, _runner, _cancellation) = (how, runner, cancellation);
        _rules = options.PrecisionRules;
        // The only input is called by its name: trials have one more.
        string? only = OnlyInput(_original.Graph);
        // Of what a command compiles with only that is kept which says what the model's inputs are.
        _options = options with
        {
            ClassName = null,
            Device = "CPU",
            Kernels = "csharp",
            Isas = [Isa.Vector128],
            Emulate = false,
            Winograd = false,
            KeepDenormals = true,
            ShowLayers = false,
            StopAfter = null,
            Quantized = null,
            Tuning = null,
            DebugKernels = false,
            Precision = PrecisionNames.Fp32,
            DevicePrecisions = DevicePrecisions.None,
            PrecisionRules = [],
            Postprocessing = new Dictionary<string, Postprocessing>(),
            Labels = new Dictionary<string, IReadOnlyList<string>>(),
            Shapes = Named(options.Shapes, only),
            Mean = Named(options.Mean, only),
            Scale = Named(options.Scale, only),
            InputFormats = Named(options.InputFormats, only),
            Resizing = Named(options.Resizing, only),
            DumpAfter = [],
            Progress = null,
            EmbedWeightsUpTo = long.MaxValue,
            Optimize = true,
        };
        _report = options.Progress;
    }

    /// <summary>Quantises a model.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="options">How it is compiled: shapes, and what is made of images before the model sees them.</param>
    /// <param name="how">What is asked of the quantisation.</param>
    /// <param name="runner">Runs the samples.</param>
    /// <param name="cancellation">Ends the work between its stages.</param>
    /// <exception cref="DiagnosticException">The model or a sample does not allow it.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static QuantizedModel Run(string path, CompileOptions options, QuantizeOptions how, ISampleRunner runner, CancellationToken cancellation = default) =>
        new Quantizer(path, options, how, runner, cancellation).Run();

    private QuantizedModel Run()
    {
        if (QuantizedOperators.AreIn(_model)) throw Fails(DiagnosticTable.AlreadyQuantized);
        Prepare();
        Placement all = PlacementOf(_model, []);
        if (all.Contractions.Count == 0) throw Fails(DiagnosticTable.NothingToQuantize, Reasons(all));

        Dictionary<string, Histogram> histograms = Observe(all);
        LayerErrors errors = Judge(histograms);
        IReadOnlyDictionary<string, double> ratios = errors.Ratios(_how.BiasCorrection);
        Dictionary<string, string> reasons = new(StringComparer.Ordinal);
        HashSet<string> bytes = new(StringComparer.Ordinal);
        foreach (Contraction contraction in all.Contractions)
        {
            if (_precisions.RuleOf(Importer.NameOf(contraction.Node)) is { } rule)
            {
                if (rule.Value == PrecisionNames.Int8) bytes.Add(contraction.Key);
                else reasons.Add(contraction.Key, $"line {rule.Line.ToString(CultureInfo.InvariantCulture)} of the rules says {rule.Value}");
            }
            else if (_how.Budget is null && ratios[contraction.Key] < _how.MinSqnr)
            {
                reasons.Add(contraction.Key, string.Create(CultureInfo.InvariantCulture, $"its signal-to-noise ratio is below {_how.MinSqnr:G4} dB"));
            }
        }

        HashSet<string> kept = new(reasons.Keys, StringComparer.Ordinal);
        if (kept.Count == ratios.Count)
        {
            throw Fails(DiagnosticTable.NothingToQuantize, _precisions == NodePrecisions.None
                ? string.Create(CultureInfo.InvariantCulture, $"all {kept.Count} convolutions and products have a signal-to-noise ratio below {_how.MinSqnr:G4} dB (--min-sqnr)")
                : $"of {kept.Count} convolutions and products none is left by {NodePrecisions.Option} and --min-sqnr");
        }

        Written written;
        MixedPrecision? mixed = null;
        if (_how.Budget is { } budget)
        {
            (written, HashSet<string> found, mixed) = Mix(all, kept, bytes, histograms, errors, budget);
            foreach (string key in found.Except(kept)) reasons.Add(key, $"for the outputs' {budget.Text}");
        }
        else written = Write(kept, histograms, errors, 0.85, 1);

        IEnumerable<KeptLayer> layers =
        [
            .. all.Contractions.Where(c => reasons.ContainsKey(c.Key)).Select(c => new KeptLayer(Importer.NameOf(c.Node), c.Node.OpType, reasons[c.Key], ratios[c.Key])
            {
                Precision = _precisions.RuleOf(Importer.NameOf(c.Node))?.Value ?? PrecisionNames.Fp32,
            }),
            .. all.Unable.Select(u => new KeptLayer(Importer.NameOf(u.Node), u.Node.OpType, u.Reason, null)),
        ];
        IReadOnlyList<OutputError> outputs = written.Loss.Errors;
        return new QuantizedModel(
            InOnePiece(written.Model), _samples, [.. written.Placement.Contractions.Select(c => new QuantizedLayer(Importer.NameOf(c.Node), c.Node.OpType, ratios[c.Key]))], [.. layers], outputs,
            [.. outputs.Where(o => o.SqnrDb < LeastOfOutput || o.Equal < LeastEqual).Select(o => new Diagnostic(DiagnosticTable.AccuracyLost, null, o.Name, o.InWords()))])
        {
            Precisions = _precisions,
            Mixed = mixed,
        };
    }

    /// <summary>A quantised form of the model, and what its outputs lose.</summary>
    private sealed record Written(ModelProto Model, Placement Placement, ModelLoss Loss);

    private Written Write(IReadOnlySet<string> kept, Dictionary<string, Histogram> histograms, LayerErrors errors, double from, double to)
    {
        ModelProto quantized = _model.Clone();
        Placement placement = PlacementOf(quantized, kept, out Network network);
        new QdqWriter(network, placement, RangesOf(placement, histograms)).Write(Corrections(errors));
        Prune.Run(quantized);
        return new Written(quantized, placement, Compare(quantized, from, to));
    }

    private IReadOnlyDictionary<string, float[]> Corrections(LayerErrors errors) => _how.BiasCorrection ? errors.Corrections() : new Dictionary<string, float[]>();

    /// <summary>Brings the model to an operator set that can say all, and batch normalisations into weights; asks for the types of values.</summary>
    private void Prepare()
    {
        ModelProto survey = _model.Clone();
        HashSet<string> asked = new(StringComparer.Ordinal);
        foreach (NodeProto node in survey.Graph.Node.Where(n => n.IsStandard() && (Contraction.Is(n) || Placement.MayCarry(n) || n.OpType is "Softmax" or "LogSoftmax" or "Hardmax")))
        {
            asked.UnionWith(node.OpType is "Add" or "Concat" ? node.Input : node.Input.Take(1));
            asked.UnionWith(node.Output.Take(1));
        }

        // BatchNormalization gives its name to what its convolution makes.
        asked.UnionWith(survey.Graph.Node.Where(n => n.IsStandard() && n.OpType == "BatchNormalization").SelectMany(n => n.Output.Take(1)));
        IReadOnlyList<string> outputs = [.. survey.Graph.Output.Select(o => o.Name)];
        Graph.Graph graph = Import(WithOutputs(survey, [.. outputs.Concat(asked.Where(a => a.Length > 0)).Distinct()]));
        foreach (GraphPort port in graph.Outputs) _types[port.Name] = port.Value.Type;
        _precisions = NodePrecisions.Of(_rules, graph);

        Network network = new(_model, _tensors);
        OpsetUpgrade.Run(network, value => _types.GetValueOrDefault(value)?.Rank);
        FoldBatchNormalization.Run(new Network(_model, _tensors));
    }

    private Placement PlacementOf(ModelProto model, IReadOnlySet<string> kept, out Network network) => new(network = new Network(model, _tensors), _types.GetValueOrDefault, kept);

    private Placement PlacementOf(ModelProto model, HashSet<string> kept) => PlacementOf(model, kept, out _);

    private static string Reasons(Placement placement) => placement.Unable.Count == 0 ? "the model has no convolution and no product"
        : string.Join("; ", placement.Unable.Take(4).Select(u => $"{Importer.NameOf(u.Node)}: {u.Reason}")) + (placement.Unable.Count > 4 ? $"; and {placement.Unable.Count - 4} more" : "");

    /// <summary>Runs the model over all samples and counts the values that are to be quantised.</summary>
    private Dictionary<string, Histogram> Observe(Placement placement)
    {
        string[] tensors = [.. placement.Tensors];
        Dictionary<string, Histogram> histograms = tensors.ToDictionary(t => t, _ => new Histogram(), StringComparer.Ordinal);
        int done = 0;
        foreach (string[] chunk in Chunks(tensors))
        {
            CompiledOutput compiled = Compile(WithOutputs(_model.Clone(), chunk));
            if (done == 0) _samples = _runner.Open(compiled);
            _runner.Run([compiled], [.. Enumerable.Range(0, _samples)], (sample, outputs) =>
            {
                for (int i = 0; i < chunk.Length; i++)
                    if (!histograms[chunk[i]].Add(outputs[0][i].Span<float>())) throw Fails(DiagnosticTable.NotFinite, chunk[i], _runner.NameOf(sample));
                Progress("calibrating", (done + ((double)chunk.Length * (sample + 1) / _samples)) / tensors.Length, 0, _how.Budget is null ? 0.6 : 0.3);
            });
            done += chunk.Length;
        }

        return histograms;
    }

    private IEnumerable<string[]> Chunks(string[] tensors)
    {
        List<string> chunk = [];
        long bytes = 0;
        foreach (string tensor in tensors)
        {
            // Dims that are named count as 1, which most are.
            long size = _types[tensor].Dims.Aggregate(4L, (product, dim) => product * (dim.IsConstant ? dim.Value : 1));
            if (chunk.Count > 0 && bytes + size > MostObservedBytes)
            {
                yield return [.. chunk];
                (chunk, bytes) = ([], 0);
            }

            chunk.Add(tensor);
            bytes += size;
        }

        yield return [.. chunk];
    }

    private LayerErrors Judge(Dictionary<string, Histogram> histograms)
    {
        ModelProto model = _model.Clone();
        Placement placement = PlacementOf(model, new HashSet<string>(), out Network network);
        LayerErrors errors = LayerErrors.AddTo(network, placement, RangesOf(placement, histograms), _types.GetValueOrDefault);
        int done = 0;
        IReadOnlyList<int> samples = Judged();
        _runner.Run([Compile(model)], samples, (_, outputs) =>
        {
            errors.Add(outputs[0]);
            Progress("judging layers", (double)++done / samples.Count, _how.Budget is null ? 0.6 : 0.3, _how.Budget is null ? 0.85 : 0.4);
        });
        return errors;
    }

    private Dictionary<string, QuantizedRange> RangesOf(Placement placement, Dictionary<string, Histogram> histograms) => placement.Tensors.GroupBy(placement.RangeOf).ToDictionary(
        group => group.Key,
        group =>
        {
            Histogram all = new();
            foreach (string tensor in group) all.Add(histograms[tensor]);
            return Ranges.Choose(all, _how.Calibrator);
        },
        StringComparer.Ordinal);

    /// <summary>What the outputs differ by from those of the file, all layers together.</summary>
    private ModelLoss Compare(ModelProto quantized, double from, double to)
    {
        string[] names = [.. quantized.Graph.Output.Select(o => o.Name)];
        ModelLoss loss = new(names);
        int done = 0;
        IReadOnlyList<int> samples = Judged();
        _runner.Run([Compile(WithOutputs(_original.Clone(), names)), Compile(WithOutputs(quantized.Clone(), names))], samples, (_, outputs) =>
        {
            loss.Add(outputs[0], outputs[1]);
            Progress("comparing", (double)++done / samples.Count, from, to);
        });
        return loss;
    }
}
