using System.Text.Json;
using Lathe.Runtime;

namespace Lathe.Runner;

/// <summary>Writes the inputs and outputs of the first request: manifest.json and one raw little-endian file for each tensor.</summary>
internal static class Dump
{
    public static void Write(string directory, Session session)
    {
        Directory.CreateDirectory(directory);
        using FileStream file = File.Create(Path.Combine(directory, "manifest.json"));
        using Utf8JsonWriter json = new(file, new JsonWriterOptions { Indented = true });
        InferRequest request = session.Requests[0];
        json.WriteStartObject();
        json.WriteString("model", session.Model.Info.Name);
        json.WriteNumber("seed", session.Options.Seed);
        json.WriteStartArray("inputs");
        for (int i = 0; i < session.Model.Info.Inputs.Count; i++)
            Tensor(json, directory, $"in_{i}.bin", session.Model.Info.Inputs[i], request.InputShape(i), request.InputBytes(i));
        json.WriteEndArray();
        json.WriteStartArray("outputs");
        for (int i = 0; i < session.Model.Info.Outputs.Count; i++)
            Tensor(json, directory, $"out_{i}.bin", session.Model.Info.Outputs[i], request.OutputShape(i), request.OutputBytes(i));
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Tensor(
        Utf8JsonWriter json, string directory, string file, TensorInfo tensor, ReadOnlySpan<long> shape, ReadOnlySpan<byte> data)
    {
        File.WriteAllBytes(Path.Combine(directory, file), data);
        json.WriteStartObject();
        Report.TensorMembers(json, tensor, shape);
        json.WriteString("file", file);
        json.WriteEndObject();
    }
}
