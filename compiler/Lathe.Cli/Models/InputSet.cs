using System.Globalization;
using Lathe.Cli.Tensors;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Models;

/// <summary>What goes into an inference: files by input, shapes by input, and the seed for what is filled.</summary>
/// <param name="files">Files by input.</param>
/// <param name="shapes">Shapes by input, as the user writes them.</param>
/// <param name="seed">The seed of the fill.</param>
internal sealed class InputSet(IReadOnlyDictionary<string, TensorFile> files, IReadOnlyDictionary<string, string> shapes, ulong seed)
{
    private IReadOnlyDictionary<string, TensorData>? _data;

    /// <summary>The seed of what is filled.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>True if there is a file for one of the inputs.</summary>
    public bool HasFiles => files.Count > 0;

    /// <summary>The values of the model's named dims: those of the files and shapes, and 1 where nothing says otherwise.</summary>
    /// <exception cref="DiagnosticException">A file or shape does not fit the model.</exception>
    public Dictionary<string, long> DimsFor(ModelInfo info)
    {
        foreach (string name in files.Keys.Concat(shapes.Keys))
        {
            // An empty name stands for the only input.
            if (info.Inputs.All(input => input.Name != name) && !(name.Length == 0 && info.Inputs.Count == 1))
                throw Bad(name, $"the model has no such input; it has {string.Join(", ", info.Inputs.Select(input => $"'{input.Name}'"))}");
        }

        return Dims(info, Data);
    }

    /// <summary>A request for these inputs, filled.</summary>
    /// <exception cref="DiagnosticException">A file or shape does not fit the model.</exception>
    public InferRequest CreateRequest(CompiledModel model) => CreateRequest(model, DimsFor(model.Info));

    /// <summary>A request for given values of the named dims, filled.</summary>
    /// <exception cref="DiagnosticException">A file does not fit them.</exception>
    public InferRequest CreateRequest(CompiledModel model, IReadOnlyDictionary<string, long> dims) => CreateRequest(model, Data, dims);

    /// <summary>A request for the tensors of a data set, filled.</summary>
    /// <exception cref="DiagnosticException">A tensor does not fit the model.</exception>
    public static InferRequest CreateRequest(CompiledModel model, IReadOnlyDictionary<string, TensorData> data)
    {
        InputSet nothing = new(new Dictionary<string, TensorFile>(), new Dictionary<string, string>(), 1);
        return nothing.CreateRequest(model, data, nothing.Dims(model.Info, data));
    }

    /// <summary>The inputs of a request, copied.</summary>
    public static IReadOnlyList<NamedTensor> InputsOf(InferRequest request) =>
        [.. request.Model.Info.Inputs.Select((input, i) => Copy(input, request.InputShape(i), request.InputBytes(i)))];

    /// <summary>The outputs of a request, copied.</summary>
    public static IReadOnlyList<NamedTensor> OutputsOf(InferRequest request) =>
        [.. request.Model.Info.Outputs.Select((output, i) => Copy(output, request.OutputShape(i), request.OutputBytes(i)))];

    private IReadOnlyDictionary<string, TensorData> Data =>
        _data ??= files.Where(file => !file.Value.IsRaw).ToDictionary(file => file.Key, file => file.Value.Read());

    private static NamedTensor Copy(TensorInfo info, ReadOnlySpan<long> shape, ReadOnlySpan<byte> bytes) =>
        new(info.Name, TensorData.FromBytes(info.Type, shape.ToArray(), bytes.ToArray()));

    private InferRequest CreateRequest(CompiledModel model, IReadOnlyDictionary<string, TensorData> data, IReadOnlyDictionary<string, long> dims)
    {
        InferRequest request = model.CreateRequest(dims);
        try
        {
            for (int i = 0; i < model.Info.Inputs.Count; i++)
            {
                TensorInfo input = model.Info.Inputs[i];
                Span<byte> memory = request.InputBytes(i);
                if (data.TryGetValue(input.Name, out TensorData? tensor))
                {
                    if (!tensor.Dims.AsSpan().SequenceEqual(request.InputShape(i))) throw WrongShape(input, tensor.Dims);
                    tensor.Bytes.CopyTo(memory);
                }
                else if (files.TryGetValue(input.Name, out TensorFile? file)) file.ReadRaw(memory, input.Name);
                else PseudoRandomFill.Fill(memory, input.Type, input.Name, Seed);
            }

            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    /// <summary>The values of the model's named dims.</summary>
    private Dictionary<string, long> Dims(ModelInfo info, IReadOnlyDictionary<string, TensorData> data)
    {
        Dictionary<string, long> values = [];
        foreach (TensorInfo input in info.Inputs)
        {
            if (data.TryGetValue(input.Name, out TensorData? tensor))
            {
                if (tensor.Element != input.Type) throw Bad(input.Name, $"the data are {tensor.Element.Name()}, the model takes {input.Type.Name()}");
                Match(input, [.. tensor.Dims.Select(dim => (long?)dim)]);
            }
            else if (NumbersOf(input.Name, info.Inputs.Count == 1) is { } shape) Match(input, shape);
        }

        foreach (PlanSymbol symbol in info.Symbols)
        {
            values.TryAdd(symbol.Name, Math.Clamp(1, symbol.Min, symbol.Max));
            if (values[symbol.Name] < symbol.Min || values[symbol.Name] > symbol.Max)
                throw Bad(symbol.Name, $"dim {symbol.Name} is {values[symbol.Name]}; the model was compiled for {symbol.Min} to {symbol.Max}");
        }

        return values;

        void Match(TensorInfo input, long?[] shape)
        {
            if (shape.Length != input.Dims.Count) throw WrongShape(input, shape);
            for (int i = 0; i < shape.Length; i++)
            {
                if (shape[i] is not { } given) continue;
                DimInfo dim = input.Dims[i];
                if (dim.Value is { } value ? value != given : info.Symbols.Any(s => s.Name == dim.Text) && !values.TryAdd(dim.Text, given) && values[dim.Text] != given)
                    throw WrongShape(input, shape);
            }
        }
    }

    /// <summary>The numbers of a shape that the user gives; dims that stay named are null.</summary>
    private long?[]? NumbersOf(string input, bool only)
    {
        if (!shapes.TryGetValue(input, out string? text) && !(only && shapes.TryGetValue("", out text))) return null;
        return text.Length == 0 ? [] : [.. text.Split(',').Select(dim => long.TryParse(dim, NumberStyles.Integer, CultureInfo.InvariantCulture, out long number) ? number : (long?)null)];
    }

    private static DiagnosticException WrongShape<T>(TensorInfo input, IReadOnlyList<T> shape) =>
        Bad(input.Name, $"the shape is [{string.Join(',', shape)}], the model takes [{string.Join(',', input.Dims)}]");

    private static DiagnosticException Bad(string tensor, string reason) => new(new Diagnostic(DiagnosticTable.BadTensorFile, null, tensor, reason));
}
