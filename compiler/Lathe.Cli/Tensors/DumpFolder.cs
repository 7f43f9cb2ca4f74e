using System.Text.Json;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Cli.Tensors;

/// <summary>
/// Inputs and outputs of an inference as a folder: <c>in_0.bin</c>, <c>out_0.bin</c>, … hold raw little-endian elements, and manifest.json says
/// <c>{ "model", "seed", "inputs": [ { "name", "dtype", "shape", "file" } ], "outputs": [ the same ] }</c>.
/// </summary>
internal sealed record DumpFolder(string Model, ulong Seed, IReadOnlyList<NamedTensor> Inputs, IReadOnlyList<NamedTensor> Outputs)
{
    private const string ManifestName = "manifest.json";

    /// <summary>Writes the folder. The manifest comes last, so that a folder that has one is whole.</summary>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        string manifest = Path.Combine(folder, ManifestName), temporary = manifest + ".tmp";
        File.Delete(manifest);
        using (FileStream file = File.Create(temporary))
        using (Utf8JsonWriter json = new(file, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("model", Model);
            json.WriteNumber("seed", Seed);
            WriteList(json, folder, "inputs", "in", Inputs);
            WriteList(json, folder, "outputs", "out", Outputs);
            json.WriteEndObject();
        }

        File.Move(temporary, manifest, overwrite: true);
    }

    /// <summary>Reads what <see cref="Write"/> writes.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="JsonException">The manifest is none.</exception>
    public static DumpFolder Read(string folder)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, ManifestName)));
        JsonElement root = document.RootElement;
        return new DumpFolder(
            root.GetProperty("model").GetString()!, root.GetProperty("seed").GetUInt64(), ReadList(root, folder, "inputs"), ReadList(root, folder, "outputs"));
    }

    private static void WriteList(Utf8JsonWriter json, string folder, string key, string prefix, IReadOnlyList<NamedTensor> tensors)
    {
        json.WriteStartArray(key);
        for (int i = 0; i < tensors.Count; i++)
        {
            (string name, TensorData data) = tensors[i];
            string file = $"{prefix}_{i}.bin";
            File.WriteAllBytes(Path.Combine(folder, file), data.Bytes);
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("dtype", data.Element.Name());
            json.WriteStartArray("shape");
            foreach (long dim in data.Dims) json.WriteNumberValue(dim);
            json.WriteEndArray();
            json.WriteString("file", file);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static List<NamedTensor> ReadList(JsonElement root, string folder, string key)
    {
        List<NamedTensor> tensors = [];
        foreach (JsonElement entry in root.GetProperty(key).EnumerateArray())
        {
            long[] dims = [.. entry.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
            byte[] bytes = File.ReadAllBytes(Path.Combine(folder, entry.GetProperty("file").GetString()!));
            ElementType element = ElementTypes.Parse(entry.GetProperty("dtype").GetString()!);
            tensors.Add(new NamedTensor(entry.GetProperty("name").GetString()!, TensorData.FromBytes(element, dims, bytes)));
        }

        return tensors;
    }
}
