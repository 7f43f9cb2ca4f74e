using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <summary>
/// A network in which flags, an input of its own, say what is rounded: beside each contraction of floats stands one whose input and weights were bytes, and a flag chooses between both. So any
/// choice of layers can be tried without compiling again.
/// </summary>
internal sealed class SwitchedNetwork
{
    private readonly Network _network;
    private readonly List<object> _switches = [];
    private readonly string _flags;

    private SwitchedNetwork(Network network) => (_network, _flags) = (network, network.Fresh("rounded"));

    /// <summary>The name of the input of flags.</summary>
    public string Flags => _flags;

    /// <summary>Puts the rounded form of what can be of bytes beside it.</summary>
    /// <param name="network">The network, which is changed.</param>
    /// <param name="placement">All that can be of bytes.</param>
    /// <param name="ranges">The ranges of values.</param>
    /// <param name="corrections">What is added to biases, by the contraction's key.</param>
    public static SwitchedNetwork OfBytes(Network network, Placement placement, IReadOnlyDictionary<string, QuantizedRange> ranges, IReadOnlyDictionary<string, float[]> corrections)
    {
        SwitchedNetwork switched = new(network);
        QdqWriter writer = new(network, placement, ranges);
        Dictionary<string, string> rounded = new(StringComparer.Ordinal);
        foreach ((NodeProto reader, string tensor) in writer.Reads())
        {
            if (placement.ReadsBytes(reader) && Contraction.Is(reader)) continue;
            string chosen = network.Fresh(tensor + "_chosen");
            switched.Choose(chosen, Read(reader, tensor), Rounded(tensor), tensor);
            for (int i = 0; i < reader.Input.Count; i++)
                if (reader.Input[i] == tensor) reader.Input[i] = chosen;
        }

        foreach (Contraction contraction in placement.Contractions)
        {
            float[]? bias = contraction.Bias;
            if (corrections.TryGetValue(contraction.Key, out float[]? correction)) bias = [.. correction.Select((c, i) => c + (bias?[i] ?? 0))];
            switched.Switch(contraction, Rounded(contraction.X), QuantizedWeights.Of(contraction, null, 1).Dequantized(contraction), bias);
        }

        switched.AddInput();
        return switched;

        string Rounded(string tensor)
        {
            if (rounded.TryGetValue(tensor, out string? name)) return name;
            NodeProto[] pair = writer.Pair(tensor);
            network.Graph.Node.AddRange(pair);
            return rounded[tensor] = pair[1].Output[0];
        }
    }

    /// <summary>Puts the rounded weights of contractions beside them.</summary>
    /// <param name="network">The network, which is changed.</param>
    /// <param name="contractions">The contractions, each with the weights that it may have instead.</param>
    public static SwitchedNetwork OfWeights(Network network, IEnumerable<(Contraction Contraction, TensorData Weights)> contractions)
    {
        SwitchedNetwork switched = new(network);
        foreach ((Contraction contraction, TensorData weights) in contractions) switched.Switch(contraction, contraction.X, weights, contraction.Bias);
        switched.AddInput();
        return switched;
    }

    /// <summary>The flags with which the network computes what another placement does.</summary>
    /// <param name="network">The network as it was.</param>
    /// <param name="placement">A placement with no more bytes.</param>
    /// <param name="ranges">The ranges of values.</param>
    public TensorData Of(Network network, Placement placement, IReadOnlyDictionary<string, QuantizedRange> ranges) => Of(
        placement.Contractions.Select(c => (object)c.Key).Concat(new QdqWriter(network, placement, ranges).Reads().Select(r => Read(r.Reader, r.Tensor))));

    /// <summary>The flags with which contractions have their rounded form.</summary>
    /// <param name="contractions">Their keys.</param>
    public TensorData Of(IEnumerable<object> contractions)
    {
        HashSet<object> rounded = [.. contractions];
        return TensorData.Of<bool>(ElementType.Bool, [.. _switches.Select(rounded.Contains)], _switches.Count);
    }

    /// <summary>What a flag is about: a contraction's key, or a reader and what it reads.</summary>
    private static object Read(NodeProto reader, string tensor) => (reader.Output.First(o => o.Length > 0), tensor);

    private void Switch(Contraction contraction, string x, TensorData weights, float[]? bias)
    {
        NodeProto exact = contraction.Node, copy = exact.Clone();
        copy.Input[0] = x;
        copy.Input[1] = _network.Add(Protos.Tensor(_network.Fresh(exact.Input[1] + "_rounded"), weights));
        // What they multiply is in weights and bias.
        copy.Take("alpha");
        copy.Take("beta");
        if (bias is not null)
        {
            while (copy.Input.Count < 3) copy.Input.Add("");
            copy.Input[2] = _network.Add(Protos.Floats(_network.Fresh(contraction.Key + "_bias"), bias, bias.Length));
        }

        string key = contraction.Key;
        (copy.Output[0], exact.Output[0]) = (_network.Fresh(key + "_rounded"), _network.Fresh(key + "_exact"));
        copy.Name = copy.Output[0];
        _network.Graph.Node.Add(copy);
        Choose(key, key, copy.Output[0], exact.Output[0]);
    }

    private void Choose(string output, object about, string rounded, string exact)
    {
        string index = _network.Add(Protos.Tensor(_network.Fresh(output + "_index"), TensorData.Of<long>(ElementType.Int64, [_switches.Count])));
        NodeProto flag = Protos.Node("Gather", _network.Fresh(output + "_flag"), _flags, index);
        _network.Graph.Node.Add(flag);
        _network.Graph.Node.Add(Protos.Node("Where", output, flag.Output[0], rounded, exact));
        _switches.Add(about);
    }

    private void AddInput()
    {
        TypeProto.Types.Tensor type = new() { ElemType = (int)ElementType.Bool, Shape = new TensorShapeProto() };
        type.Shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = _switches.Count });
        _network.Graph.Input.Add(new ValueInfoProto { Name = _flags, Type = new TypeProto { TensorType = type } });
    }
}
