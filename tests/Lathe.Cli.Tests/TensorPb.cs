using System.Text;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Cli.Tests;

/// <summary>Writes ONNX's TensorProto by its field numbers: 1 dims, 2 data_type, 8 name, 9 raw_data.</summary>
internal static class TensorPb
{
    // ElementType's numbers are ONNX's.
    public static byte[] Of(string name, TensorData data)
    {
        using MemoryStream stream = new();
        foreach (long dim in data.Dims) Number(1, (ulong)dim);
        Number(2, (ulong)data.Element);
        Block(8, Encoding.UTF8.GetBytes(name));
        Block(9, data.Bytes);
        return stream.ToArray();

        void Number(int field, ulong value)
        {
            Varint((ulong)field << 3);
            Varint(value);
        }

        void Block(int field, byte[] bytes)
        {
            Varint(((ulong)field << 3) | 2);
            Varint((ulong)bytes.Length);
            stream.Write(bytes);
        }

        void Varint(ulong value)
        {
            for (; value >= 0x80; value >>= 7) stream.WriteByte((byte)(value | 0x80));
            stream.WriteByte((byte)value);
        }
    }

    /// <summary>Writes a data set's folder.</summary>
    public static void WriteSet(string folder, IReadOnlyList<(string Name, TensorData Data)> inputs, IReadOnlyList<(string Name, TensorData Data)> outputs)
    {
        Directory.CreateDirectory(folder);
        for (int i = 0; i < inputs.Count; i++) File.WriteAllBytes(Path.Combine(folder, $"input_{i}.pb"), Of(inputs[i].Name, inputs[i].Data));
        for (int i = 0; i < outputs.Count; i++) File.WriteAllBytes(Path.Combine(folder, $"output_{i}.pb"), Of(outputs[i].Name, outputs[i].Data));
    }
}
