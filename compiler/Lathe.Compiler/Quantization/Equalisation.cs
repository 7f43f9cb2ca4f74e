using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;

namespace Lathe.Compiler.Quantization;

/// <summary>
/// conv(x, w) → conv(x · s, w / s) for a scale s of each channel of x, so that channels of few small values have more of the 256 steps (Nagel et al., Data-Free Quantization, 2019; Xiao et al.,
/// SmoothQuant, 2023). Behind an activation that scales with its input, s is in the weights of the convolution before it; behind any other it is a multiplication that is fused with it.
/// </summary>
internal sealed class Equalisation
{
    /// <summary>No channel is scaled by more, since samples do not tell how large a value may become that was never seen.</summary>
    private const double Largest = 16;

    private readonly Network _network;
    private readonly List<(string Tensor, int Channels, IReadOnlyList<Contraction> Readers)> _tensors = [];

    /// <summary>Finds the values that only contractions read whose weights can be divided.</summary>
    /// <param name="network">The network.</param>
    /// <param name="placement">What can be of bytes.</param>
    /// <param name="typeOf">The types of values.</param>
    public Equalisation(Network network, Placement placement, Func<string, TensorType?> typeOf)
    {
        _network = network;
        Dictionary<NodeProto, Contraction> contractions = placement.Contractions.ToDictionary(c => c.Node);
        foreach (string tensor in placement.Contractions.Select(c => c.X).Distinct())
        {
            if (network.IsReadOutside(tensor) || network.ProducerOf(tensor) is null) continue;
            Contraction?[] readers = [.. network.ReadersOf(tensor).Select(contractions.GetValueOrDefault)];
            if (readers.Any(r => r is null || r.X != tensor) || typeOf(tensor) is not { } type) continue;
            int axis = readers[0]!.Node.OpType == "Conv" ? 1 : type.Rank - 1;
            if (type.Rank < 2 || !type.Dims[axis].IsConstant) continue;
            int channels = (int)type.Dims[axis].Value;
            if (readers.All(r => (r!.Node.OpType == "Conv") == (readers[0]!.Node.OpType == "Conv") && CanDivide(r, channels))) _tensors.Add((tensor, channels, [.. readers.Select(r => r!)]));
        }
    }

    /// <summary>The values, with the axis of their channels.</summary>
    public IEnumerable<(string Tensor, bool IsImage)> Tensors => _tensors.Select(t => (t.Tensor, t.Readers[0].Node.OpType == "Conv"));

    /// <summary>Scales.</summary>
    /// <param name="maxima">The largest absolute value of each channel, by tensor.</param>
    /// <param name="typeOf">The types of values.</param>
    /// <param name="adopted">Takes the name of each value that is new, and that of the one whose type it has.</param>
    public void Apply(IReadOnlyDictionary<string, double[]> maxima, Func<string, TensorType?> typeOf, Action<string, string> adopted)
    {
        foreach ((string tensor, int channels, IReadOnlyList<Contraction> readers) in _tensors)
        {
            // What a depthwise convolution multiplies has scales of its own for each channel: there all is gained and nothing lost.
            double part = readers.All(IsDepthwise) ? PartOfDepthwise : Part, most = maxima[tensor].Max();
            double[] scales = [.. maxima[tensor].Select(m => m <= 0 ? 1 : Math.Min(Largest, Math.Pow(most / m, part)))];
            if (scales.All(s => s == 1)) continue;
            bool isImage = readers[0].Node.OpType == "Conv";
            string scaled = tensor;
            if (!ScaleProducer(tensor, scales))
            {
                int rank = typeOf(tensor)!.Rank;
                long[] dims = isImage ? [channels, .. Enumerable.Repeat(1L, rank - 2)] : [channels];
                string factor = _network.Add(Protos.Floats(_network.Fresh(tensor + "_scales"), [.. scales.Select(s => (float)s)], dims));
                scaled = _network.Fresh(tensor + "_equalised");
                _network.Graph.Node.Add(Protos.Node("Mul", scaled, tensor, factor));
                adopted(scaled, tensor);
            }

            foreach (Contraction reader in readers)
            {
                reader.Node.Input[0] = scaled;
                reader.Node.Input[1] = _network.Add(Protos.Tensor(_network.Fresh(reader.Node.Input[1] + "_equalised"), Divided(reader, _network.ConstantOf(reader.Node.Input[1])!, scales)));
            }
        }
    }

    public static double Part = double.Parse(Environment.GetEnvironmentVariable("EQ_PART") ?? "0.5", System.Globalization.CultureInfo.InvariantCulture);
    public static double PartOfDepthwise = double.Parse(Environment.GetEnvironmentVariable("EQ_DW") ?? "1", System.Globalization.CultureInfo.InvariantCulture);

    private static bool IsDepthwise(Contraction contraction) => contraction.Node.OpType == "Conv" && contraction.Weights.Dims[1] == 1 && (contraction.Node.Find("group")?.I ?? 1) > 1;

    private static bool CanDivide(Contraction contraction, int channels) => contraction.Node.OpType switch
    {
        "Conv" => (contraction.Node.Find("group")?.I ?? 1) is var group && (group == 1 ? contraction.Weights.Dims[1] == channels : group == channels && contraction.Weights.Dims[1] == 1),
        "Gemm" => contraction.Weights.Dims[1 - contraction.Axis] == channels,
        _ => contraction.Weights.Dims[0] == channels,
    };

    /// <summary>Weights divided by the scales of what they multiply.</summary>
    private static TensorData Divided(Contraction contraction, TensorData weights, double[] scales)
    {
        float[] divided = weights.Span<float>().ToArray();
        long[] dims = weights.Dims;
        // Filters of a depthwise convolution are of a channel each; otherwise the channels are the axis that is not the filters'.
        int axis = IsDepthwise(contraction) ? 0 : 1 - contraction.Axis;
        int stride = (int)dims[(axis + 1)..].Aggregate(1L, (a, b) => a * b), extent = (int)dims[axis], perChannel = IsDepthwise(contraction) ? extent / scales.Length : 1;
        for (int i = 0; i < divided.Length; i++) divided[i] = (float)(divided[i] / scales[i / stride % extent / perChannel]);
        return TensorData.OfFloats(divided, dims);
    }

    /// <summary>Scales the weights that make a value, where what lies between scales with them.</summary>
    private bool ScaleProducer(string tensor, double[] scales)
    {
        NodeProto? node = _network.ProducerOf(tensor);
        if (node is { OpType: "Relu" or "LeakyRelu" } && node.IsStandard() && _network.OnlyReaderOf(node.Input[0]) == node) node = _network.ProducerOf(node.Input[0]);
        if (node is not { OpType: "Conv" } || !node.IsStandard() || _network.ConstantOf(node.InputAt(1)) is not { } weights || weights.Dims[0] != scales.Length || node.InputAt(3).Length > 0) return false;
        TensorData? bias = node.InputAt(2) is { Length: > 0 } name ? _network.ConstantOf(name) : null;
        if (bias is null && node.InputAt(2).Length > 0) return false;
        int perFilter = weights.Count / scales.Length;
        float[] scaled = [.. weights.Span<float>().ToArray().Select((w, i) => (float)(w * scales[i / perFilter]))];
        node.Input[1] = _network.Add(Protos.Floats(_network.Fresh(node.Input[1] + "_scaled"), scaled, weights.Dims));
        if (bias is not null) node.Input[2] = _network.Add(Protos.Floats(_network.Fresh(node.Input[2] + "_scaled"), [.. scales.Select((s, i) => (float)(bias.GetDouble(i) * s))], scales.Length));
        return true;
    }
}
