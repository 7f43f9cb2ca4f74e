using System.Buffers.Binary;
using System.Text;

namespace Lathe.Package.Tests;

/// <summary>Writes an ONNX model of one product: <c>sum[1,n] = data[1,n] x ones[n,n]</c>. The format's field numbers are those of its public description.</summary>
internal static class TinyModel
{
    /// <summary>Writes the model.</summary>
    public static void Write(string path, string name, int size)
    {
        byte[] node = [.. Text(1, "data"), .. Text(1, "ones"), .. Text(2, "sum"), .. Text(3, "product"), .. Text(4, "MatMul")];
        byte[] weights = new byte[4 * size * size];
        for (int i = 0; i < size * size; i++) BinaryPrimitives.WriteSingleLittleEndian(weights.AsSpan(4 * i), 1);
        byte[] ones = [.. Number(1, size), .. Number(1, size), .. Number(2, 1), .. Text(8, "ones"), .. Bytes(9, weights)];
        byte[] graph = [.. Bytes(1, node), .. Text(2, name), .. Bytes(5, ones), .. Bytes(11, Value("data", size)), .. Bytes(12, Value("sum", size))];
        byte[] opset = Number(2, 17);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, [.. Number(1, 8), .. Bytes(7, graph), .. Bytes(8, opset)]);
    }

    private static byte[] Value(string name, int size)
    {
        byte[] shape = [.. Bytes(1, Number(1, 1)), .. Bytes(1, Number(1, size))];
        byte[] tensor = [.. Number(1, 1), .. Bytes(2, shape)];
        return [.. Text(1, name), .. Bytes(2, Bytes(1, tensor))];
    }

    private static byte[] Number(int field, long value) => [.. Varint(field << 3), .. Varint(value)];

    private static byte[] Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Bytes(int field, byte[] content) => [.. Varint((field << 3) | 2), .. Varint(content.Length), .. content];

    private static byte[] Varint(long value)
    {
        List<byte> bytes = [];
        for (; value >= 128; value >>= 7) bytes.Add((byte)(value | 128));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
