using System.Globalization;
using Lathe.Cli.Models;
using Lathe.Cli.Tensors;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Quantization;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Quantization;

/// <summary>Runs compiled models over calibration samples in this process. One sample is in memory at a time, and the file that it is in.</summary>
/// <param name="files">The samples.</param>
/// <param name="threads">How many threads an inference may use; null for all.</param>
internal sealed class CalibrationRunner(IReadOnlyList<Sample> files, int? threads) : ISampleRunner, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lathe-").FullName;
    private readonly List<(Sample File, int Item, int Items)> _samples = [];
    private (Sample? File, IReadOnlyList<IReadOnlyDictionary<string, TensorData>> Items) _read = (null, []);
    private ModelInfo? _info;
    private int _written;

    /// <inheritdoc/>
    public int Open(CompiledOutput model)
    {
        using CompiledModel loaded = LoadFile(model);
        _info = loaded.Info;
        _samples.Clear();
        foreach (Sample file in files)
        {
            int items = Items(file, loaded.Info).Count;
            _samples.AddRange(Enumerable.Range(0, items).Select(item => (file, item, items)));
        }

        return _samples.Count;
    }

    /// <inheritdoc/>
    public string NameOf(int sample)
    {
        (Sample file, int item, int items) = _samples[sample];
        return items == 1 ? file.Name : string.Create(CultureInfo.InvariantCulture, $"{file.Name}[{item}]");
    }

    /// <inheritdoc/>
    public ISampleModel Load(CompiledOutput model) => new Loaded(this, LoadFile(model));

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private IReadOnlyList<TensorData> Infer(CompiledModel model, int sample, IReadOnlyDictionary<string, TensorData>? more)
    {
        (Sample file, int item, _) = _samples[sample];
        try
        {
            IReadOnlyDictionary<string, TensorData> inputs = Items(file, _info!)[item];
            using InferRequest request = InputSet.CreateRequest(model, more is null ? inputs : inputs.Concat(more).ToDictionary());
            request.Infer();
            return [.. InputSet.OutputsOf(request).Select(output => output.Data)];
        }
        catch (DiagnosticException wrong) when (wrong.Diagnostic.Descriptor == DiagnosticTable.BadTensorFile)
        {
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadCalibration, null, NameOf(sample), wrong.Diagnostic.Arguments[1]));
        }
    }

    private IReadOnlyList<IReadOnlyDictionary<string, TensorData>> Items(Sample file, ModelInfo info)
    {
        if (ReferenceEquals(_read.File, file)) return _read.Items;
        _read = (file, file.Read(info));
        foreach (TensorData data in _read.Items.SelectMany(item => item.Values).Where(data => data.Element == ElementType.Float32))
        {
            foreach (float value in data.Span<float>())
                if (!float.IsFinite(value)) throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadCalibration, null, file.Name, $"it holds {value.ToString(CultureInfo.InvariantCulture)}"));
        }

        return _read.Items;
    }

    private CompiledModel LoadFile(CompiledOutput model)
    {
        string place = Path.Combine(_folder, (_written++).ToString(CultureInfo.InvariantCulture) + ".dll");
        File.WriteAllBytes(place, model.Assembly);
        return CompiledModel.Load(place, new LatheOptions { Isa = Isa.Vector128, Threads = threads, Unloadable = true });
    }

    private sealed class Loaded(CalibrationRunner runner, CompiledModel model) : ISampleModel
    {
        public IReadOnlyList<TensorData> Infer(int sample, IReadOnlyDictionary<string, TensorData>? more) => runner.Infer(model, sample, more);

        public void Dispose() => model.Dispose();
    }
}
