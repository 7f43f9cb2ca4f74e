using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <summary>Writes a placement into a network: every value that is quantised gets a QuantizeLinear and a DequantizeLinear behind it, weights and biases become integers with a DequantizeLinear.</summary>
/// <param name="network">The network, which is changed.</param>
/// <param name="placement">What is computed with bytes.</param>
/// <param name="ranges">The range of every value that <see cref="Placement.RangeOf"/> gives.</param>
internal sealed class QdqWriter(Network network, Placement placement, IReadOnlyDictionary<string, QuantizedRange> ranges)
{
    private readonly Dictionary<string, (string Scale, string Zero)> _parameters = new(StringComparer.Ordinal);

    /// <summary>Writes.</summary>
    /// <param name="corrections">What is added to the biases of contractions, by key; one number for each channel.</param>
    public void Write(IReadOnlyDictionary<string, float[]> corrections)
    {
        string[] tensors = [.. placement.Tensors];
        Dictionary<string, NodeProto[]> pairs = new(StringComparer.Ordinal);
        Dictionary<string, Contraction> contractions = placement.Contractions.ToDictionary(c => c.Key, StringComparer.Ordinal);
        // Who reads what is asked before anything is changed.
        IReadOnlyList<(NodeProto Reader, string Tensor)> reads = Reads();
        foreach (string tensor in tensors) pairs.Add(tensor, Pair(tensor));
        foreach ((NodeProto reader, string tensor) in reads)
            for (int i = 0; i < reader.Input.Count; i++)
                if (reader.Input[i] == tensor) reader.Input[i] = pairs[tensor][1].Output[0];

        NodeProto[] nodes = [.. network.Graph.Node];
        network.Graph.Node.Clear();
        foreach (ValueInfoProto input in network.Graph.Input) network.Graph.Node.AddRange(pairs.GetValueOrDefault(input.Name) ?? []);
        foreach (NodeProto node in nodes)
        {
            if (contractions.TryGetValue(node.Output.FirstOrDefault() ?? "", out Contraction? contraction))
                network.Graph.Node.AddRange(WriteWeights(contraction, corrections.GetValueOrDefault(contraction.Key)));
            network.Graph.Node.Add(node);
            foreach (string output in node.Output) network.Graph.Node.AddRange(pairs.GetValueOrDefault(output) ?? []);
        }
    }

    /// <summary>Who reads which value as it is after its rounding, as long as nothing is written.</summary>
    public IReadOnlyList<(NodeProto Reader, string Tensor)> Reads()
    {
        List<(NodeProto Reader, string Tensor)> reads = [];
        foreach (string tensor in placement.Tensors)
        {
            bool isBytes = ComesFromBytes(tensor);
            reads.AddRange(network.ReadersOf(tensor).Where(reader => placement.ReadsBytes(reader) || (isBytes && !Contraction.Is(reader))).Select(reader => (reader, tensor)));
        }

        return reads;
    }

    /// <summary>A value as bytes, and as what these stand for.</summary>
    public NodeProto[] Pair(string tensor)
    {
        string root = placement.RangeOf(tensor);
        if (!_parameters.TryGetValue(root, out (string Scale, string Zero) parameters))
        {
            QuantizedRange range = ranges[root];
            parameters = _parameters[root] =
                (network.Add(Protos.Floats(network.Fresh(root + "_scale"), [range.Scale])), network.Add(Protos.Byte(network.Fresh(root + "_zero_point"), range.Zero)));
        }

        NodeProto quantize = Protos.Node("QuantizeLinear", network.Fresh(tensor + "_quantized"), tensor, parameters.Scale, parameters.Zero);
        NodeProto dequantize = Protos.Node("DequantizeLinear", network.Fresh(tensor + "_dequantized"), quantize.Output[0], parameters.Scale, parameters.Zero);
        // Named after the value itself, which is what counters and messages show.
        (quantize.Name, dequantize.Name) = (tensor + "_QuantizeLinear", tensor + "_DequantizeLinear");
        return [quantize, dequantize];
    }

    /// <summary>False where a value is in memory as floats in any case: what a contraction of floats made, activated or not, is read as it is.</summary>
    private bool ComesFromBytes(string tensor)
    {
        NodeProto? node = network.ProducerOf(tensor);
        while (node is not null && !placement.ReadsBytes(node) && Placement.IsFused(node)) node = network.ProducerOf(node.Input[0]);
        return node is not null && (placement.ReadsBytes(node) || !Contraction.Is(node));
    }

    private List<NodeProto> WriteWeights(Contraction contraction, float[]? correction)
    {
        NodeProto node = contraction.Node;
        float[]? bias = contraction.Bias;
        if (correction is not null) bias = [.. correction.Select((c, i) => c + (bias?[i] ?? 0))];
        QuantizedWeights weights = QuantizedWeights.Of(contraction, bias, ranges[placement.RangeOf(contraction.X)].Scale);
        string stem = node.Input[1];
        string bytes = network.Add(Protos.SignedBytes(network.Fresh(stem + "_quantized"), weights.Bytes, contraction.Weights.Dims));
        string scale = network.Add(Protos.Floats(network.Fresh(stem + "_scale"), weights.Scales, weights.Scales.Length));
        string zero = network.Add(Protos.SignedBytes(network.Fresh(stem + "_zero_point"), new sbyte[weights.Scales.Length], weights.Scales.Length));
        NodeProto dequantize = Protos.Node("DequantizeLinear", network.Fresh(stem + "_dequantized"), bytes, scale, zero).With("axis", contraction.Axis);
        List<NodeProto> added = [dequantize];
        node.Input[1] = dequantize.Output[0];
        // What they multiplied is in the weights and the bias.
        node.Take("alpha");
        node.Take("beta");
        if (weights.Bias is null) return added;

        string biasStem = node.InputAt(2) is { Length: > 0 } given ? given : contraction.Key + "_bias";
        float xScale = ranges[placement.RangeOf(contraction.X)].Scale;
        string steps = network.Add(Protos.Tensor(network.Fresh(biasStem + "_quantized"), TensorData.Of<int>(ElementType.Int32, weights.Bias, weights.Bias.Length)));
        string stepScale = network.Add(Protos.Floats(network.Fresh(biasStem + "_scale"), [.. weights.Scales.Select(s => s * xScale)], weights.Scales.Length));
        NodeProto dequantizeBias = Protos.Node("DequantizeLinear", network.Fresh(biasStem + "_dequantized"), steps, stepScale).With("axis", 0);
        added.Add(dequantizeBias);
        while (node.Input.Count < 3) node.Input.Add("");
        node.Input[2] = dequantizeBias.Output[0];
        return added;
    }
}
