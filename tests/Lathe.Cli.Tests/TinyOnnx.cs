using System.Text;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Cli.Tests;

/// <summary>Writes small ONNX models by the field numbers of the format.</summary>
internal static class TinyOnnx
{
    /// <summary>y[N,4] = relu(x[N,4] + c[4]), with c = -1, 0, 1, 2.</summary>
    public static byte[] AddRelu() => Model(
        [Node("add", "Add", ["x", "c"], ["sum"]), Node("relu", "Relu", ["sum"], ["y"])],
        [Block(5, TensorPb.Of("c", Bias))],
        [Value(11, "x", "N", 4), Value(12, "y", "N", 4)]);

    /// <summary>y[N,2,1,2] = relu(x[N,2,1,2] + c[2,1,1]), with c = -1, 2: an image of two channels.</summary>
    public static byte[] AddReluOfImage() => Model(
        [Node("add", "Add", ["x", "c"], ["sum"]), Node("relu", "Relu", ["sum"], ["y"])],
        [Block(5, TensorPb.Of("c", TensorData.OfFloats([-1, 2], 2, 1, 1)))],
        [Value(11, "x", "N", 2, 1, 2), Value(12, "y", "N", 2, 1, 2)]);

    /// <summary>y[N,3,2,2] = relu(x[N,3,2,2] + c[3,1,1]), with c = -1, 2, 0: an image of three channels.</summary>
    public static byte[] AddReluOfColours() => Model(
        [Node("add", "Add", ["x", "c"], ["sum"]), Node("relu", "Relu", ["sum"], ["y"])],
        [Block(5, TensorPb.Of("c", TensorData.OfFloats([-1, 2, 0], 3, 1, 1)))],
        [Value(11, "x", "N", 3, 2, 2), Value(12, "y", "N", 3, 2, 2)]);

    /// <summary>The same as <see cref="AddRelu"/> with c in a file beside the model.</summary>
    public static byte[] AddReluWithExternalBias(string location) => Model(
        [Node("add", "Add", ["x", "c"], ["sum"]), Node("relu", "Relu", ["sum"], ["y"])],
        [Block(5, [.. Number(1, 4), .. Number(2, 1), .. Text(8, "c"), .. Block(13, [.. Text(1, "location"), .. Text(2, location)]), .. Number(14, 1)])],
        [Value(11, "x", "N", 4), Value(12, "y", "N", 4)]);

    /// <summary>y[N,40] = x[N,24] times a matrix: something with a schedule to choose.</summary>
    public static byte[] Product() => Model(
        [Node("product", "MatMul", ["x", "c"], ["y"])],
        [Block(5, TensorPb.Of("c", TensorData.OfFloats([.. Enumerable.Range(0, 24 * 40).Select(i => i % 7 / 8f)], 24, 40)))],
        [Value(11, "x", "N", 24), Value(12, "y", "N", 40)]);

    /// <summary>Two nodes of operators that do not exist.</summary>
    public static byte[] Unsupported() => Model(
        [Node("first\nnode", "Frobnicate", ["x"], ["a"]), Node("", "Frobnicate", ["a"], ["b"]), Node("last", "Unheard", ["b"], ["y"])],
        [],
        [Value(11, "x", "N", 4), Value(12, "y", "N", 4)]);

    /// <summary>The constant of <see cref="AddRelu"/>.</summary>
    public static TensorData Bias { get; } = TensorData.OfFloats([-1, 0, 1, 2], 4);

    private static byte[] Model(IEnumerable<byte[]> nodes, IEnumerable<byte[]> initialisers, IEnumerable<byte[]> values)
    {
        byte[] graph = [.. nodes.SelectMany(node => Block(1, node)), .. Text(2, "tiny"), .. initialisers.SelectMany(part => part), .. values.SelectMany(part => part)];
        return [.. Number(1, 8), .. Block(7, graph), .. Block(8, [.. Text(1, ""), .. Number(2, 13)])];
    }

    private static byte[] Node(string name, string op, string[] inputs, string[] outputs) =>
        [.. inputs.SelectMany(input => Text(1, input)), .. outputs.SelectMany(output => Text(2, output)), .. Text(3, name), .. Text(4, op)];

    // ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1; its elem_type 1 and shape 2; a dim 1: dim_value 1 or dim_param 2.
    private static byte[] Value(int field, string name, string symbol, params int[] dims)
    {
        byte[] shape = [.. Block(1, Text(2, symbol)), .. dims.SelectMany(dim => Block(1, Number(1, (ulong)dim)))];
        return Block(field, [.. Text(1, name), .. Block(2, Block(1, [.. Number(1, (ulong)ElementType.Float32), .. Block(2, shape)]))]);
    }

    private static byte[] Text(int field, string text) => Block(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Number(int field, ulong value) => [.. Varint((ulong)field << 3), .. Varint(value)];

    private static byte[] Block(int field, byte[] bytes) => [.. Varint(((ulong)field << 3) | 2), .. Varint((ulong)bytes.Length), .. bytes];

    private static IEnumerable<byte> Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) yield return (byte)(value | 0x80);
        yield return (byte)value;
    }
}
