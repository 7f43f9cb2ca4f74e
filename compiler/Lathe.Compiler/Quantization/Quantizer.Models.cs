using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Quantization;

/// <content>The models that are compiled, run and written.</content>
public sealed partial class Quantizer
{
    private static string? OnlyInput(GraphProto graph) =>
        graph.Input.Select(i => i.Name).Except(graph.Initializer.Select(i => i.Name)).ToArray() is [var only] ? only : null;

    private static Dictionary<string, T> Named<T>(IReadOnlyDictionary<string, T> given, string? only) =>
        given.ToDictionary(g => g.Key.Length == 0 && only is not null && !given.ContainsKey(only) ? only : g.Key, g => g.Value);

    private IReadOnlyList<int> Judged()
    {
        int count = Math.Min(MostJudged, _samples);
        return [.. Enumerable.Range(0, count).Select(i => (int)((long)i * _samples / count))];
    }

    /// <summary>A model with other outputs.</summary>
    private static ModelProto WithOutputs(ModelProto model, IReadOnlyList<string> names)
    {
        model.Graph.Output.Clear();
        foreach (string name in names) model.Graph.Output.Add(new ValueInfoProto { Name = name });
        return model;
    }

    private Graph.Graph Import(ModelProto model)
    {
        (Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = new Importer(model, _directory, _options).Import();
        return graph ?? throw new DiagnosticException(diagnostics.First(d => d.Descriptor.Severity == Severity.Error));
    }

    private CompiledOutput Compile(ModelProto model, CompileOptions? options = null)
    {
        _cancellation.ThrowIfCancellationRequested();
        return Compilation.Compile(Import(model), "Lathe.Calibrated", "calibration", "", new PassContext(options ?? _options, _cancellation));
    }

    /// <summary>The file, in one piece.</summary>
    private byte[] InOnePiece(ModelProto model)
    {
        foreach (TensorProto tensor in model.Tensors().Where(t => t.DataLocation == TensorProto.Types.DataLocation.External))
        {
            TensorData data = _tensors.Read(tensor);
            tensor.ExternalData.Clear();
            tensor.DataLocation = TensorProto.Types.DataLocation.Default;
            tensor.RawData = ByteString.CopyFrom(data.Bytes);
        }

        model.ProducerName = "Lathe";
        model.ProducerVersion = typeof(Quantizer).Assembly.GetName().Version!.ToString(3);
        return model.ToByteArray();
    }

    private void Progress(string stage, double share, double from, double to)
    {
        _cancellation.ThrowIfCancellationRequested();
        _report?.Report((stage, from + (share * (to - from))));
    }

    private static DiagnosticException Fails(DiagnosticDescriptor descriptor, params string[] arguments) => new(new Diagnostic(descriptor, null, arguments));
}
