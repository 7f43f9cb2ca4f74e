using System.Globalization;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Onnx;

/// <summary>
/// The types of a model's inputs: the file's shapes with what the user says of them. Where the user gives a number for a dim that the model names,
/// the name stands for that number in every input.
/// </summary>
internal sealed class InputTypes
{
    private readonly SymbolTable _symbols;
    private readonly List<ValueInfoProto> _inputs;
    private readonly Dictionary<string, string[]> _asked = new(StringComparer.Ordinal);

    /// <summary>Reads the user's shapes and what they say of the model's named dims.</summary>
    /// <exception cref="DiagnosticException">A shape is malformed, names no input, or contradicts the model.</exception>
    public InputTypes(IEnumerable<ValueInfoProto> inputs, IReadOnlyDictionary<string, string> shapes, SymbolNames names)
    {
        _symbols = new SymbolTable(names);
        _inputs = [.. inputs];
        foreach ((string key, string text) in shapes.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            string name = key.Length == 0 && _inputs.Count == 1 ? _inputs[0].Name : key;
            if (_inputs.All(i => i.Name != name))
                throw Bad(key.Length == 0 ? "the model has several inputs: name one" : $"the model has no input '{key}' (it has {Names()})");
            if (!_asked.TryAdd(name, text.Length == 0 ? [] : text.Split(',', StringSplitOptions.TrimEntries)))
                throw Bad($"input '{name}' is given twice");
        }

        // Two rounds, so that a name bound by one input holds for those before it.
        foreach (ValueInfoProto input in _inputs)
            if (_asked.TryGetValue(input.Name, out string[]? dims)) BindNames(input, dims);
    }

    /// <summary>The type of an input.</summary>
    /// <exception cref="DiagnosticException">It is not a tensor, or its rank is not known.</exception>
    public TensorType Of(ValueInfoProto input)
    {
        if (input.Type?.ValueCase != TypeProto.ValueOneofCase.TensorType)
        {
            throw input.Type is null || input.Type.ValueCase == TypeProto.ValueOneofCase.None
                ? new DiagnosticException(new Diagnostic(DiagnosticTable.MalformedModel, null, $"input '{input.Name}' has no type"))
                : new DiagnosticException(new Diagnostic(DiagnosticTable.UnsupportedType, null, $"input '{input.Name}'", TypeName(input.Type.ValueCase)));
        }

        TypeProto.Types.Tensor tensor = input.Type.TensorType;
        ElementType element = TensorReader.Element(tensor.ElemType, $"input '{input.Name}'");
        if (_asked.TryGetValue(input.Name, out string[]? asked)) return new TensorType(element, asked.Select(d => Parse(d, input.Name)).ToEquatableArray());
        if (tensor.Shape is null) throw Bad($"the model does not say how many dims input '{input.Name}' has: give its shape");

        IndexExpr[] dims = new IndexExpr[tensor.Shape.Dim.Count];
        for (int i = 0; i < dims.Length; i++)
        {
            TensorShapeProto.Types.Dimension dim = tensor.Shape.Dim[i];
            dims[i] = dim.ValueCase switch
            {
                // Exporters write -1 where they mean that a dim is not known.
                TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue when dim.DimValue >= 0 => dim.DimValue,
                TensorShapeProto.Types.Dimension.ValueOneofCase.DimParam when dim.DimParam.Length > 0 => _symbols.Named(dim.DimParam),
                _ => _symbols.Fresh($"{input.Name}_{i}"),
            };
        }

        return new TensorType(element, dims);
    }

    /// <summary>Takes up what a shape says of the model's names. A number wins over the model's: convolutional models run at other sizes too.</summary>
    private void BindNames(ValueInfoProto input, string[] asked)
    {
        TensorShapeProto? shape = input.Type?.TensorType?.Shape;
        if (shape is not null && shape.Dim.Count != asked.Length)
            throw Bad($"input '{input.Name}' has {shape.Dim.Count} dims, not {asked.Length}");
        for (int i = 0; i < asked.Length; i++)
        {
            IndexExpr value = Parse(asked[i], input.Name);
            TensorShapeProto.Types.Dimension? dim = shape?.Dim[i];
            if (dim is { ValueCase: TensorShapeProto.Types.Dimension.ValueOneofCase.DimParam, DimParam.Length: > 0 } && !_symbols.Bind(dim.DimParam, value))
                throw Bad($"dim '{dim.DimParam}' of the model is given as {_symbols.Find(dim.DimParam)} and as {value}");
        }
    }

    /// <summary>A number, a name, <c>name=number</c> or <c>name=least..greatest</c>.</summary>
    private IndexExpr Parse(string text, string input)
    {
        if (Number(text) is { } constant) return constant;
        string[] parts = text.Split('=', StringSplitOptions.TrimEntries);
        if (parts.Length > 2 || !IsName(parts[0])) throw Wrong();
        if (parts.Length == 1) return _symbols.Named(parts[0]);

        string[] range = parts[1].Split("..", StringSplitOptions.TrimEntries);
        if (range.Length > 2 || Number(range[0]) is not { } min || Number(range[^1]) is not { } max || min < 1 || max < min) throw Wrong();
        if (_symbols.Find(parts[0]) is { } known)
        {
            IndexRange has = known.Range;
            return has == new IndexRange(min, max) ? known : throw Bad($"'{parts[0]}' is given two ranges");
        }

        if (min < max) return _symbols.Named(parts[0], min, max);
        _symbols.Bind(parts[0], min);
        return min;

        DiagnosticException Wrong() => Bad($"'{text}' of input '{input}' is neither a number, a name, nor a name with a range such as N=1..32");
    }

    private static bool IsName(string text) =>
        text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] == '_') && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    private static long? Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    private string Names() => string.Join(", ", _inputs.Select(i => $"'{i.Name}'"));

    private static string TypeName(TypeProto.ValueOneofCase type) => type switch
    {
        TypeProto.ValueOneofCase.SequenceType => "sequence",
        TypeProto.ValueOneofCase.MapType => "map",
        TypeProto.ValueOneofCase.SparseTensorType => "sparse tensor",
        _ => "optional",
    };

    private static DiagnosticException Bad(string reason) => new(new Diagnostic(DiagnosticTable.BadOption, null, "--shape", reason));
}
