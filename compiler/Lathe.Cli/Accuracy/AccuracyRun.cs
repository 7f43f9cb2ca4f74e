using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Cli.Quantization;
using Lathe.Cli.Tensors;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Quantization;
using Lathe.Runtime;

namespace Lathe.Cli.Accuracy;

/// <summary>Runs a model and its reference side by side on samples.</summary>
/// <param name="Model">The model as it is asked for.</param>
/// <param name="Reference">What it is compared with.</param>
/// <param name="Data">The folder of samples.</param>
/// <param name="Labels">The right classes, in the order of the samples; null for none.</param>
/// <param name="LayerSamples">How many samples layers are compared on; 0 for none, as for models that have different ones.</param>
internal sealed record AccuracyRun(ModelRequest Model, ModelRequest Reference, string Data, IReadOnlyList<int>? Labels, int LayerSamples)
{
    /// <summary>How many samples layers are compared on where nothing else is said: what they add to memory and time is large, and few are enough to rank them.</summary>
    public const int DefaultLayerSamples = 16;

    /// <summary>A model against itself in floats of 32 bits.</summary>
    /// <exception cref="FailedException">LATHE0622: it has no such form.</exception>
    public static AccuracyRun OfPrecision(ModelRequest model, string data, IReadOnlyList<int>? labels, int layerSamples)
    {
        if (Loader.About(model.Path, () => OnnxFrontEnd.IsQuantized(model.Path))) throw new FailedException(model.Path, DiagnosticTable.NothingToCompareWith);
        return new(model, model.InFloats(), data, labels, layerSamples);
    }

    /// <summary>Compares.</summary>
    /// <param name="cache">Where compiled models lie.</param>
    /// <param name="terminal">Where progress and warnings go.</param>
    /// <param name="cancellation">Ends the comparison between samples.</param>
    /// <exception cref="FailedException">A model cannot be compiled or loaded, or samples do not fit.</exception>
    public AccuracyReport Run(CompileCache cache, Terminal terminal, CancellationToken cancellation)
    {
        if (CalibrationRequest.Apply(Model, terminal, cancellation) is var quantized && quantized != Model) return (this with { Model = quantized }).Run(cache, terminal, cancellation);
        IReadOnlyList<Sample> samples = Loader.About(Model.Path, () => Sample.Find(Data, DiagnosticTable.BadTestData));
        RunReport ran = new(Model.Warnings);
        List<TensorError> outputs = [], layers = [];
        List<Agreement?> agreements = [];
        int outputCount = 0;
        int count = Compare(Model, Reference, samples, int.MaxValue, cache, terminal, cancellation, (actual, reference, report) =>
        {
            report?.Invoke(ran);
            if (actual.Count != reference.Count) throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadTestData, null, Reference.Path, $"it has {reference.Count} outputs, the model {actual.Count}"));
            outputCount = actual.Count;
            for (int i = 0; i < outputCount; i++)
            {
                if (outputs.Count == i)
                {
                    outputs.Add(new TensorError(actual[i].Name));
                    agreements.Add(Agreement.FormOf(reference[i].Data) is null ? null : new Agreement());
                }

                if (!actual[i].Data.Dims.AsSpan().SequenceEqual(reference[i].Data.Dims))
                    throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadTestData, null, Reference.Path, $"its output '{reference[i].Name}' is [{string.Join(',', reference[i].Data.Dims)}], the model's [{string.Join(',', actual[i].Data.Dims)}]"));
                outputs[i].Add(actual[i].Data, reference[i].Data);
                // An output whose items are scores for one sample and something else for another has no classes.
                if (agreements[i]?.Add(actual[i].Data, reference[i].Data, item => Labels is null || item >= Labels.Count ? null : Labels[item]) is false) agreements[i] = null;
            }
        });
        CheckLabels(agreements);
        int layerSamples = LayerSamples == 0 ? 0 : Compare(Shown(Model), Shown(Reference), samples, LayerSamples, cache, terminal, cancellation, (actual, reference, _) =>
        {
            // The model's own outputs come first.
            foreach ((NamedTensor ours, NamedTensor theirs) in Pairs([.. actual.Skip(outputCount)], [.. reference.Skip(outputCount)]))
            {
                TensorError? error = layers.Find(l => l.Name == theirs.Name);
                if (error is null) layers.Add(error = new TensorError(theirs.Name));
                error.Add(ours.Data, theirs.Data);
            }
        });
        return new AccuracyReport(
            Path.GetFileName(Model.Path), Path.GetFileName(Reference.Path), Model.Options.Precision == PrecisionNames.Fp32 ? RunReport.Names(ran.Precisions) : Model.Options.Precision, count,
            [.. outputs.Zip(agreements, Row)], layerSamples,
            [
                .. layers.Select((l, i) => new LayerAccuracy(l.Name, i, l.Sqnr, l.Cosine, l.MaxError))
                    .OrderBy(l => double.IsNaN(l.SqnrDb) ? double.NegativeInfinity : l.SqnrDb).ThenBy(l => l.Position),
            ],
            ran)
        {
            Mixed = Model.Mixed?.Report ?? Model.Options.Quantized?.Mixed,
        };
    }

    private void CheckLabels(IReadOnlyList<Agreement?> agreements)
    {
        if (Labels is null) return;
        if (agreements.All(a => a is null)) throw new FailedException(Model.Path, DiagnosticTable.BadOption, "--labels", "no output has scores of classes, [items, classes]");
        int items = agreements.First(a => a is not null)!.Items;
        if (items != Labels.Count) throw new FailedException(Model.Path, DiagnosticTable.BadOption, "--labels", $"there are {Labels.Count} labels and {items} items");
    }

    /// <summary>Layers that are the same: in order where there are as many of the same shapes, since what is folded into a layer may give it another name; otherwise by name.</summary>
    private static IEnumerable<(NamedTensor Ours, NamedTensor Theirs)> Pairs(IReadOnlyList<NamedTensor> ours, IReadOnlyList<NamedTensor> theirs)
    {
        if (ours.Count == theirs.Count && ours.Zip(theirs).All(pair => HaveOneShape(pair.First, pair.Second))) return ours.Zip(theirs);
        return ours.Join(theirs, layer => layer.Name, layer => layer.Name, (a, b) => (a, b)).Where(pair => HaveOneShape(pair.a, pair.b));

        static bool HaveOneShape(NamedTensor a, NamedTensor b) => a.Data.Dims.AsSpan().SequenceEqual(b.Data.Dims);
    }

    /// <summary>A model whose layers are outputs. Those of a quantised one are floats only as they are written, between dequantisation and quantisation.</summary>
    private static ModelRequest Shown(ModelRequest request) => request with { Options = request.Options with { ShowLayers = true, Optimize = request.Options.Optimize && request.Options.Quantized is null } };

    private static OutputAccuracy Row(TensorError error, Agreement? agreement)
    {
        bool isLabelled = agreement?.Labelled > 0;
        return new OutputAccuracy(
            error.Name, error.Sqnr, error.Cosine, error.MaxError, double.IsPositiveInfinity(error.Sqnr),
            Share(agreement?.Top1, agreement?.Items), Share(agreement?.Top5, agreement?.Items),
            isLabelled ? Share(agreement!.ReferenceRight, agreement.Labelled) : null, isLabelled ? Share(agreement!.Right, agreement.Labelled) : null,
            isLabelled ? Share(agreement!.AmongFive.Reference, agreement.Labelled) : null, isLabelled ? Share(agreement!.AmongFive.Other, agreement.Labelled) : null);
    }

    private static double? Share(int? part, int? whole) => whole > 0 ? (double?)part / whole : null;

    /// <summary>Runs both models on samples.</summary>
    /// <returns>How many there were.</returns>
    private static int Compare(
        ModelRequest model, ModelRequest reference, IReadOnlyList<Sample> samples, int most, CompileCache cache, Terminal terminal, CancellationToken cancellation,
        Action<IReadOnlyList<NamedTensor>, IReadOnlyList<NamedTensor>, Action<RunReport>?> compare)
    {
        using CompiledModel actual = Loader.Load(model, cache.Get(model, terminal, cancellation), terminal);
        using CompiledModel expected = Loader.Load(reference, cache.Get(reference, terminal, cancellation), terminal);
        return Loader.About(model.Path, () => terminal.Work("comparing", progress =>
        {
            int done = 0;
            foreach ((string name, IReadOnlyDictionary<string, TensorData> inputs) in Items(samples, actual.Info).Take(most))
            {
                cancellation.ThrowIfCancellationRequested();
                progress.Report(($"comparing {name}", 0));
                (IReadOnlyList<NamedTensor> ours, Action<RunReport> report) = Outputs(actual, inputs);
                // An already quantised model may name its inputs otherwise than its reference.
                Dictionary<string, TensorData> same = expected.Info.Inputs.Count == inputs.Count
                    ? expected.Info.Inputs.Zip(actual.Info.Inputs).ToDictionary(pair => pair.First.Name, pair => inputs[pair.Second.Name])
                    : throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadTestData, null, reference.Path, $"it has {expected.Info.Inputs.Count} inputs, the model {inputs.Count}"));
                compare(ours, Outputs(expected, same).Tensors, report);
                done++;
            }

            return done;
        }));
    }

    /// <summary>The samples with what they are called.</summary>
    private static IEnumerable<(string Name, IReadOnlyDictionary<string, TensorData> Inputs)> Items(IReadOnlyList<Sample> samples, ModelInfo info)
    {
        foreach (Sample sample in samples)
        {
            IReadOnlyList<IReadOnlyDictionary<string, TensorData>> items = sample.Read(info);
            for (int i = 0; i < items.Count; i++) yield return (items.Count == 1 ? sample.Name : $"{sample.Name}[{i}]", items[i]);
        }
    }

    private static (IReadOnlyList<NamedTensor> Tensors, Action<RunReport> Report) Outputs(CompiledModel model, IReadOnlyDictionary<string, TensorData> inputs)
    {
        using InferRequest request = InputSet.CreateRequest(model, inputs);
        request.Infer();
        RunCounts counts = request.Ran;
        return (InputSet.OutputsOf(request), report => report.Add(counts));
    }
}
