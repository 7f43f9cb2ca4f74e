using System.Runtime.InteropServices;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;
using Kind = Lathe.Compiler.Onnx.AttributeProto.Types.AttributeType;

namespace Lathe.Compiler.Quantization;

/// <summary>Makes the messages of an ONNX file.</summary>
internal static class Protos
{
    /// <summary>A node of the standard operators with one output, named after it.</summary>
    public static NodeProto Node(string op, string output, params ReadOnlySpan<string> inputs)
    {
        NodeProto node = new() { OpType = op, Name = $"{output}_{op}" };
        foreach (string input in inputs) node.Input.Add(input);
        node.Output.Add(output);
        return node;
    }

    /// <summary>The node with an attribute more.</summary>
    public static NodeProto With(this NodeProto node, string name, long value)
    {
        node.Attribute.Add(new AttributeProto { Name = name, I = value, Type = Kind.Int });
        return node;
    }

    /// <summary>The node with an attribute more.</summary>
    public static NodeProto With(this NodeProto node, string name, params ReadOnlySpan<long> values)
    {
        AttributeProto attribute = new() { Name = name, Type = Kind.Ints };
        foreach (long value in values) attribute.Ints.Add(value);
        node.Attribute.Add(attribute);
        return node;
    }

    /// <summary>The node with an attribute more.</summary>
    public static NodeProto With(this NodeProto node, string name, string value)
    {
        node.Attribute.Add(new AttributeProto { Name = name, S = ByteString.CopyFromUtf8(value), Type = Kind.String });
        return node;
    }

    /// <summary>An attribute of a node; null if it has none of the name.</summary>
    public static AttributeProto? Find(this NodeProto node, string name) => node.Attribute.FirstOrDefault(a => a.Name == name);

    /// <summary>Takes an attribute away.</summary>
    /// <returns>The attribute; null if the node had none of the name.</returns>
    public static AttributeProto? Take(this NodeProto node, string name)
    {
        AttributeProto? found = node.Find(name);
        if (found is not null) node.Attribute.Remove(found);
        return found;
    }

    /// <summary>An input of a node; empty where it has none.</summary>
    public static string InputAt(this NodeProto node, int index) => index < node.Input.Count ? node.Input[index] : "";

    /// <summary>True for a node of the standard operators.</summary>
    public static bool IsStandard(this NodeProto node) => OpsetTable.Normal(node.Domain).Length == 0;

    /// <summary>All tensors of a message, wherever they stand: initialisers, attributes, bodies, functions.</summary>
    public static IEnumerable<TensorProto> Tensors(this IMessage message)
    {
        if (message is TensorProto tensor) return [tensor];
        return message.Descriptor.Fields.InDeclarationOrder().Where(field => field.FieldType == FieldType.Message)
            .SelectMany(field => field.Accessor.GetValue(message) is var value && value is System.Collections.IEnumerable many ? many.Cast<IMessage>() : value is IMessage one ? [one] : []).SelectMany(Tensors);
    }

    /// <summary>A tensor as the file holds it.</summary>
    public static TensorProto Tensor(string name, TensorData data)
    {
        TensorProto tensor = new() { Name = name, DataType = (int)data.Element, RawData = ByteString.CopyFrom(data.Bytes) };
        tensor.Dims.AddRange(data.Dims);
        return tensor;
    }

    /// <summary>A float32 tensor.</summary>
    public static TensorProto Floats(string name, ReadOnlySpan<float> values, params long[] dims) => Tensor(name, TensorData.OfFloats(values, dims));

    /// <summary>An int64 vector.</summary>
    public static TensorProto Int64s(string name, params ReadOnlySpan<long> values) => Tensor(name, TensorData.OfInt64s(values));

    /// <summary>A number of one byte.</summary>
    public static TensorProto Byte(string name, byte value) => Tensor(name, TensorData.FromBytes(ElementType.UInt8, [], [value]));

    /// <summary>A tensor of signed bytes.</summary>
    public static TensorProto SignedBytes(string name, ReadOnlySpan<sbyte> values, params long[] dims) =>
        Tensor(name, TensorData.FromBytes(ElementType.Int8, dims, MemoryMarshal.AsBytes(values).ToArray()));
}
