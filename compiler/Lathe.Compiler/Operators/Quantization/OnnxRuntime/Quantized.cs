using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>
/// The operators that ONNX Runtime's tools write for quantised tensors: each is an operator of floats between the two that (de)quantise, or a product of integers
/// between those of ai.onnx, and is imported as such.
/// </summary>
internal static class Quantized
{
    /// <summary>Their domain.</summary>
    public const string Domain = "com.microsoft";

    /// <summary>A tensor of floats from three inputs: the tensor, its scale, and its zero point, which may be absent.</summary>
    public static Value Read(OnnxNode node, GraphBuilder builder, int input)
    {
        Value x = node.Inputs[input];
        (Value scale, Value zero) = QuantizationParameters.ReadOne(node, builder, input + 1, input + 2, x.Type.Element);
        return builder.Add(new Quantization.DequantizeLinear(), x, scale, zero);
    }

    /// <summary>A tensor quantised by a scale and the zero point behind it, which may be absent; its elements are as wide as those of the first input.</summary>
    public static IReadOnlyList<Value> Write(OnnxNode node, GraphBuilder builder, Value y, int scale, ElementType element)
    {
        (Value s, Value z) = QuantizationParameters.ReadOne(node, builder, scale, scale + 1, element);
        return [builder.Add(new Quantization.QuantizeLinear(element), y, s, z)];
    }

    /// <summary>An operator of one tensor, which comes with scale and zero point, as does the result.</summary>
    public static IReadOnlyList<Value> Map(OnnxNode node, GraphBuilder builder, Func<Value, Value> function) =>
        Write(node, builder, function(Read(node, builder, 0)), 3, node.Inputs[0].Type.Element);

    /// <summary>An operator of images, whose channels are last if the node says so; each comes with scale and zero point, as does the result.</summary>
    public static IReadOnlyList<Value> MapImage(OnnxNode node, GraphBuilder builder, Func<Value, Value> function) =>
        Map(node, builder, x => InOrder(node, builder, x, function));

    /// <summary>What an operator of images with the channels first makes of an image whose channels are last if the node says so, in the same order.</summary>
    public static Value InOrder(OnnxNode node, GraphBuilder builder, Value image, Func<Value, Value> function)
    {
        bool last = AttributeReader.Get(node, "channels_last", 0L) != 0;
        int rank = image.Type.Rank;
        if (rank < 3) throw node.Bad($"{image.Type} is no image");
        long[] inner = [.. Enumerable.Range(1, rank - 2).Select(i => (long)i)];
        return last ? Order(function(Order(image, [0, rank - 1, .. inner])), [0, .. inner.Select(i => i + 1), 1]) : function(image);

        Value Order(Value value, long[] axes) => builder.Add(new Movement.Transpose(axes), value);
    }
}
