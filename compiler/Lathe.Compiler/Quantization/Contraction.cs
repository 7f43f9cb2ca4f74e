using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <summary>A node that sums products with weights: a convolution or a matrix product that can be one of bytes.</summary>
/// <param name="Node">The node.</param>
/// <param name="Weights">The weights.</param>
/// <param name="Axis">The axis of the weights whose indices are the channels of the output.</param>
/// <param name="OutputAxis">The axis of the output that has its channels; counted from the end if negative.</param>
/// <param name="Bias">What is added to each channel; null for nothing.</param>
internal sealed record Contraction(NodeProto Node, TensorData Weights, int Axis, int OutputAxis, float[]? Bias)
{
    /// <summary>What a node is called: the first value that it makes, which stays when the graph is rewritten.</summary>
    public string Key => Node.Output[0];

    /// <summary>The value that is multiplied with the weights, whatever the node is made to read later.</summary>
    public string X { get; } = Node.Input[0];

    /// <summary>The number of channels of the output.</summary>
    public int Channels => (int)Weights.Dims[Axis];

    /// <summary>True for the operators that this is about.</summary>
    public static bool Is(NodeProto node) => node.IsStandard() && node.Output.FirstOrDefault() is { Length: > 0 } && node.OpType is "Conv" or "ConvTranspose" or "Gemm" or "MatMul";

    /// <summary>Reads a node.</summary>
    /// <returns>The contraction, or why it cannot be computed with bytes.</returns>
    public static (Contraction? Contraction, string Reason) Of(Network network, NodeProto node, Func<string, TensorType?> typeOf)
    {
        if (node.OpType == "ConvTranspose") return (null, "there are no kernels of bytes for it");
        if (typeOf(node.Input[0]) is not { Element: ElementType.Float32 } x) return (null, "its input is not float32");
        if (network.ConstantOf(node.Input[0]) is not null) return (null, "its input is a constant");
        if (network.ConstantOf(node.Input[1]) is not { Element: ElementType.Float32 } w || w.Count == 0) return (null, "its weights are computed");
        foreach (float weight in w.Span<float>())
            if (!float.IsFinite(weight)) return (null, "a weight is infinite or no number");
        TensorData? bias = null;
        if (node.InputAt(2).Length > 0 && (bias = network.ConstantOf(node.Input[2])) is not { Element: ElementType.Float32 }) return (null, "its bias is computed");
        switch (node.OpType)
        {
            case "Conv":
                if (node.InputAt(3).Length > 0) return (null, "it has an activation of its own");
                long group = node.Find("group")?.I ?? 1, taps = w.Count / w.Dims[0] / Math.Max(1, w.Dims[1]);
                if (group > 1 && w.Dims[1] == 1 && taps > DepthwiseConvOfBytes.MostTaps) return (null, "its window is larger than kernels of bytes have");
                return (new(node, w, 0, 1, bias is null ? null : [.. bias.Span<float>()]), "");
            case "Gemm":
                if ((node.Find("transA")?.I ?? 0) != 0) return (null, "its input is transposed");
                int axis = (node.Find("transB")?.I ?? 0) != 0 ? 0 : 1;
                // As many numbers as channels may also be one for each row.
                if (bias is not null && bias.Count != 1 && !(bias.Dims is [_] or [1, _] && bias.Dims[^1] == w.Dims[axis])) return (null, "its bias is none of channels");
                float alpha = node.Find("alpha")?.F ?? 1, beta = node.Find("beta")?.F ?? 1;
                return (new(node, Times(w, alpha), axis, 1, bias is null ? null : [.. Enumerable.Range(0, (int)w.Dims[axis]).Select(i => beta * (float)bias.GetDouble(bias.Count == 1 ? 0 : i))]), "");
            default:
                return w.Dims.Length == 2 && x.Rank >= 2 ? (new(node, w, 1, -1, null), "") : (null, "its weights are no matrix");
        }
    }

    private static TensorData Times(TensorData data, float factor) =>
        factor == 1 ? data : TensorData.OfFloats([.. data.Span<float>().ToArray().Select(v => v * factor)], data.Dims);
}
