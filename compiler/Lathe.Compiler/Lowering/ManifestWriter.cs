using System.Text;
using System.Text.Json;

namespace Lathe.Compiler.Lowering;

/// <summary>Writes the manifest. Equal models give equal text on every machine: UTF-8 without mark, LF, two spaces, non-ASCII characters escaped.</summary>
public static class ManifestWriter
{
    /// <summary>The text of <c>X.lathe.json</c>.</summary>
    /// <exception cref="ArgumentException">A class name, property or parameter is no identifier or not unique.</exception>
    public static string Write(ManifestModel model)
    {
        Check(model);
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, IndentSize = 2, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", ManifestModel.Schema);
            json.WriteString("lathe", model.LatheVersion);
            json.WriteString("class", IdentifierNames.SimpleName(model.ClassName));
            json.WriteString("namespace", IdentifierNames.Namespace(model.ClassName));
            json.WriteString("assembly", model.AssemblyName);
            json.WriteString("module", model.ModuleName);
            WriteOptional(json, "weights", model.WeightsFile);
            json.WriteString("model", model.ModelName);
            json.WriteString("precision", model.Precision);
            json.WriteString("device", model.Device);
            WriteList(json, "isas", model.Isas, json.WriteStringValue);
            WriteOptional(json, "libLLVM", model.LibLLVM);
            WriteList(json, "symbols", model.Symbols, symbol => WriteSymbol(json, symbol));
            WriteList(json, "inputs", model.Inputs, tensor => WriteTensor(json, tensor));
            WriteList(json, "outputs", model.Outputs, tensor => WriteTensor(json, tensor));
            json.WriteNumber("arenaBytes", model.ArenaBytes);
            json.WriteNumber("weightBytes", model.WeightBytes);
            json.WriteStartObject("hashes");
            json.WriteString("model", model.ModelHash);
            json.WriteString("options", model.OptionsHash);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length) + "\n";
    }

    private static void WriteSymbol(Utf8JsonWriter json, ManifestSymbol symbol)
    {
        json.WriteStartObject();
        json.WriteString("name", symbol.Name);
        json.WriteString("parameter", symbol.Parameter);
        json.WriteNumber("min", symbol.Min);
        json.WriteNumber("max", symbol.Max);
        json.WriteNumber("default", symbol.Default);
        json.WriteEndObject();
    }

    private static void WriteTensor(Utf8JsonWriter json, ManifestTensor tensor)
    {
        json.WriteStartObject();
        json.WriteString("name", tensor.Name);
        json.WriteString("property", tensor.Property);
        json.WriteString("type", tensor.Type);
        WriteList(json, "dims", tensor.Dims, dim => WriteDim(json, dim));
        WriteOptional(json, "layout", tensor.Layout);
        WriteOptional(json, "channels", tensor.Channels);
        if (tensor.Mean.Count > 0) WriteList(json, "mean", tensor.Mean, json.WriteNumberValue);
        if (tensor.Scale.Count > 0) WriteList(json, "scale", tensor.Scale, json.WriteNumberValue);
        if (tensor.Strided.Count > 0) WriteList(json, "strided", tensor.Strided, dim => json.WriteNumberValue(dim));
        if (tensor.Resize is { } resize)
        {
            json.WriteStartObject("resize");
            json.WriteString("mode", resize.Mode);
            json.WriteBoolean("alignCorners", resize.AlignCorners);
            json.WriteNumber("rows", resize.Axis);
            json.WriteNumber("height", resize.Height);
            json.WriteNumber("width", resize.Width);
            json.WriteEndObject();
        }

        if (tensor.Labels.Count > 0) WriteList(json, "labels", tensor.Labels, json.WriteStringValue);
        WriteOptional(json, "doc", tensor.Doc);
        json.WriteEndObject();
    }

    private static void WriteDim(Utf8JsonWriter json, ManifestDim dim)
    {
        if (dim.Value is { } value) json.WriteNumberValue(value);
        else json.WriteStringValue(dim.Text);
    }

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null) json.WriteString(name, value);
    }

    private static void WriteList<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> items, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (T item in items) write(item);
        json.WriteEndArray();
    }

    /// <summary>The generator puts these names into source as they are.</summary>
    private static void Check(ManifestModel model)
    {
        if (!IdentifierNames.IsClassName(model.ClassName)) throw new ArgumentException($"'{model.ClassName}' is no class name.", nameof(model));
        Require(model.Inputs.Concat(model.Outputs).Select(tensor => tensor.Property));
        Require(model.Symbols.Select(symbol => symbol.Parameter));

        static void Require(IEnumerable<string> names)
        {
            HashSet<string> seen = new(StringComparer.Ordinal);
            foreach (string name in names)
            {
                if (!IdentifierNames.IsIdentifier(name)) throw new ArgumentException($"'{name}' is no identifier.", nameof(model));
                if (!seen.Add(name)) throw new ArgumentException($"'{name}' is not unique.", nameof(model));
            }
        }
    }
}
