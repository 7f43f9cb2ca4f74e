using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Lathe.Compiler.Operators;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Graph;

/// <summary>
/// The text form of a graph, which <see cref="GraphParser"/> reads back: one line per node, such as
/// <c>%3 = Conv(%x, %w, _) {Strides=[2, 2]} : float32[N, 64, 112, 112] "conv_1"</c>. Small constants stand where they are used.
/// </summary>
public sealed class GraphPrinter
{
    /// <summary>Constants with more elements are printed by their hash.</summary>
    private const int MaxInline = 16;

    private readonly StringBuilder _text = new();
    private readonly Dictionary<Node, string> _names = [];
    private readonly Dictionary<string, TensorData> _data;
    private readonly bool _withNames;

    private GraphPrinter(Dictionary<string, TensorData> data, bool withNames)
    {
        _data = data;
        _withNames = withNames;
    }

    /// <summary>The text of a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="withNames">True writes the model's names of the nodes too.</param>
    public static string Print(Graph graph, bool withNames = true) => Print(graph, [], withNames);

    /// <summary>The text of a graph, with the tensors that it mentions by hash.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="data">Gains the tensors that <see cref="GraphParser"/> needs beside the text.</param>
    /// <param name="withNames">True writes the model's names of the nodes too.</param>
    public static string Print(Graph graph, Dictionary<string, TensorData> data, bool withNames = true)
    {
        GraphPrinter printer = new(data, withNames);
        printer.Write(graph, "");
        return printer._text.ToString();
    }

    private void Write(Graph graph, string indent)
    {
        _text.Append(indent).Append("graph ").Append(TextCursor.Quote(graph.Name)).Append('\n');
        foreach (IndexVar symbol in graph.Symbols)
            _text.Append(CultureInfo.InvariantCulture, $"{indent}symbol {symbol.Name} = {symbol.Min}..{symbol.Max}\n");
        foreach (Node node in graph.TopologicalOrder())
        {
            if (node.Op is Constant { DataLayout: null } small && small.Data.Count <= MaxInline) continue;
            string name = node.Op is Input input && IsPlain(input.Port) && !_names.ContainsValue(input.Port) ? input.Port : $"{_names.Count}";
            _names.Add(node, name);
            _text.Append(indent).Append('%').Append(name).Append(" = ");
            switch (node.Op)
            {
                case Input port: _text.Append(CultureInfo.InvariantCulture, $"input {TextCursor.Quote(port.Port)} : {port.InputType}"); break;
                case Constant constant: _text.Append(Literal(constant.Data, constant.DataLayout)); break;
                default: WriteCall(node, indent); break;
            }

            if (_withNames && node.Op is not Input && graph.Names.TryGetValue(node, out string? model)) _text.Append(' ').Append(TextCursor.Quote(model));
            _text.Append('\n');
        }

        _text.Append(indent).Append("return ");
        _text.AppendJoin(", ", graph.Outputs.Select(o => $"{TextCursor.Quote(o.Name)} = {Operand(o.Value)}")).Append('\n');
    }

    private void WriteCall(Node node, string indent)
    {
        _text.Append(CultureInfo.InvariantCulture, $"{node.Op.Name}({string.Join(", ", node.Inputs.Select(Operand))})");
        ConstructorInfo constructor = AttributeReader.PrimaryConstructor(node.Op.GetType());
        bool first = true;
        foreach (ParameterInfo parameter in constructor.GetParameters())
        {
            object? value = node.Op.GetType().GetProperty(parameter.Name!)!.GetValue(node.Op);
            if (IsDefault(parameter, value)) continue;
            _text.Append(first ? " {" : ", ").Append(parameter.Name).Append('=');
            first = false;
            if (value is Graph body)
            {
                // A body is a graph of its own: its values are numbered anew.
                _text.Append("{\n");
                GraphPrinter inner = new(_data, _withNames);
                inner.Write(body, indent + "    ");
                _text.Append(inner._text).Append(indent).Append('}');
            }
            else
            {
                _text.Append(Text(value));
            }
        }

        if (!first) _text.Append('}');
        _text.Append(" : ").AppendJoin("; ", node.OutputTypes);
    }

    private string Operand(Value value)
    {
        if (value.IsNone) return "_";
        if (!_names.TryGetValue(value.Node, out string? name)) return Literal(value.Constant!, null);
        return value.Output == 0 ? $"%{name}" : $"%{name}.{value.Output}";
    }

    private string Text(object? value) => value switch
    {
        null => "null",
        string text => TextCursor.Quote(text),
        bool flag => flag ? "true" : "false",
        float number => Real(number),
        double number => Real(number),
        TensorData data => Literal(data, null),
        Layout layout => TextCursor.Quote(layout.ToString()),
        IndexExpr or TensorType or Enum => value.ToString()!,
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Text))}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private string Literal(TensorData data, Layout? layout)
    {
        string type = (TensorType.Of(data.Element, data.Dims) with { Layout = layout }).ToString();
        if (data.Count <= MaxInline) return $"{type} {{{string.Join(", ", Enumerable.Range(0, data.Count).Select(i => Element(data, i)))}}}";
        if (data.Strings is null && IsSplat(data)) return $"{type} splat({Element(data, 0)})";
        string hash = Hash(data);
        _data[hash] = data;
        return $"{type} data({hash})";
    }

    private static string Element(TensorData data, int index) => data.Element switch
    {
        ElementType.String => TextCursor.Quote(data.Strings![index]),
        ElementType.Float64 => Real(data.GetDouble(index)),
        ElementType.UInt64 => data.Span<ulong>()[index].ToString(CultureInfo.InvariantCulture),
        _ when data.Element.IsFloat() => Real((float)data.GetDouble(index)),
        _ => data.GetInt64(index).ToString(CultureInfo.InvariantCulture),
    };

    private static string Real<T>(T number)
        where T : struct, System.Numerics.IFloatingPointIeee754<T> =>
        T.IsNaN(number) ? "nan" : T.IsInfinity(number) ? T.IsNegative(number) ? "-inf" : "inf" : number.ToString("R", CultureInfo.InvariantCulture);

    private static bool IsSplat(TensorData data)
    {
        int size = data.Element.Size();
        ReadOnlySpan<byte> bytes = data.Bytes;
        // Every element equals the one before it.
        return bytes[size..].SequenceEqual(bytes[..^size]);
    }

    /// <summary>A short name for a tensor's content.</summary>
    public static string Hash(TensorData data)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(TensorType.Of(data.Element, data.Dims).ToString()));
        hash.AppendData(data.Bytes);
        foreach (string text in data.Strings ?? []) hash.AppendData(Encoding.UTF8.GetBytes($"{text.Length} {text}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }

    private static bool IsDefault(ParameterInfo parameter, object? value)
    {
        if (!parameter.HasDefaultValue) return false;
        object? otherwise = parameter.DefaultValue;
        if (otherwise is null && parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null)
            otherwise = Activator.CreateInstance(parameter.ParameterType);
        return Equals(value, otherwise);
    }

    private static bool IsPlain(string name) =>
        name.Length is > 0 and <= 40 && char.IsAsciiLetter(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
