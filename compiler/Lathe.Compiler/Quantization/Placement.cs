using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <summary>
/// What of a network is computed with bytes: contractions, and the operators between them that only move, compare or add, where their results are multiplied again. What ends
/// in an output stays in floats, and so does arithmetic that is fused behind a contraction.
/// </summary>
internal sealed class Placement
{
    /// <summary>Operators whose output has elements of their input, or lies between them: both have one range.</summary>
    private static readonly HashSet<string> SameRange = new(StringComparer.Ordinal)
    {
        "MaxPool", "Resize", "Upsample", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Slice", "DepthToSpace", "SpaceToDepth", "Identity", "Dropout",
    };

    private static readonly HashSet<string> OtherRange = new(StringComparer.Ordinal) { "Add", "AveragePool", "GlobalAveragePool" };

    /// <summary>What is fused with what makes its input: bytes that it reads or writes are no concern of its own.</summary>
    private static readonly HashSet<string> Fused = new(StringComparer.Ordinal)
    {
        "Relu", "Clip", "LeakyRelu", "PRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Elu", "Tanh", "BatchNormalization",
    };

    /// <summary>
    /// Products for each element of an input of floats below which bytes gain nothing: a 3x3 convolution of three channels into 32 with stride 2 has 72, and takes 0.15 ms on 224x224 with
    /// AVX-512; as bytes it takes 0.04 ms, and making bytes of the input 0.2. A 7x7 convolution into 64 has 784.
    /// </summary>
    private const long LeastOfInput = 150;

    private readonly Dictionary<string, string> _parents = new(StringComparer.Ordinal);
    private readonly HashSet<string> _byteNodes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _tensors = new(StringComparer.Ordinal);
    private readonly HashSet<string> _contractions = new(StringComparer.Ordinal);
    private readonly Network _network;

    /// <summary>Decides.</summary>
    /// <param name="network">The network, batch normalisations folded.</param>
    /// <param name="typeOf">The types of values.</param>
    /// <param name="kept">The contractions that stay in floats, by <see cref="Contraction.Key"/>.</param>
    public Placement(Network network, Func<string, TensorType?> typeOf, IReadOnlySet<string> kept)
    {
        _network = network;
        List<Contraction> contractions = [];
        List<(NodeProto Node, string Reason)> unable = [];
        HashSet<string> images = Images(network);
        foreach (NodeProto node in network.Graph.Node.Where(Contraction.Is))
        {
            (Contraction? contraction, string reason) = Contraction.Of(network, node, typeOf);
            if (contraction is null) unable.Add((node, reason));
            else if (node.OpType == "Conv" && images.Contains(contraction.X) && ProductsOf(contraction, typeOf) < LeastOfInput) unable.Add((node, "it reads the model's input, and making bytes of that would take longer than it saves"));
            else if (!kept.Contains(contraction.Key)) contractions.Add(contraction);
        }

        (Contractions, Unable) = (contractions, unable);
        _contractions.UnionWith(contractions.Select(c => c.Key));
        FindByteNodes(typeOf);
        foreach (NodeProto node in network.Graph.Node.Where(n => _byteNodes.Contains(n.Output.FirstOrDefault() ?? "")))
        {
            foreach (string x in ActivationsOf(node)) _tensors.Add(x);
            if (!_contractions.Contains(node.Output[0]) && node.OpType != "Add" && !network.IsReadOutside(node.Output[0])) _tensors.Add(node.Output[0]);
        }

        foreach (NodeProto node in network.Graph.Node.Where(n => _byteNodes.Contains(n.Output.FirstOrDefault() ?? ""))) Unite(node);
    }

    /// <summary>The contractions of bytes.</summary>
    public IReadOnlyList<Contraction> Contractions { get; }

    /// <summary>Convolutions and products that cannot be ones of bytes, with the reason.</summary>
    public IReadOnlyList<(NodeProto Node, string Reason)> Unable { get; }

    /// <summary>The values that are quantised, in the order in which the graph makes them.</summary>
    public IEnumerable<string> Tensors =>
        _network.Graph.Input.Select(i => i.Name).Concat(_network.Graph.Node.SelectMany(n => n.Output)).Where(_tensors.Contains);

    /// <summary>True for a node that reads bytes.</summary>
    public bool ReadsBytes(NodeProto node) => node.Output.Count > 0 && _byteNodes.Contains(node.Output[0]);

    /// <summary>The value that stands for all that have one range.</summary>
    public string RangeOf(string tensor)
    {
        while (_parents.TryGetValue(tensor, out string? parent)) tensor = parent;
        return tensor;
    }

    /// <summary>The model's inputs, and what is only moved, converted or scaled before it is multiplied.</summary>
    private static HashSet<string> Images(Network network)
    {
        HashSet<string> images = new(network.Graph.Input.Select(i => i.Name), StringComparer.Ordinal);
        foreach (NodeProto node in network.Graph.Node)
        {
            bool isPreparation = MayCarry(node) || (node.IsStandard() && node.OpType is "Sub" or "Mul" or "Div" or "Cast" or "Pad");
            if (isPreparation && node.Input.All(i => i.Length == 0 || images.Contains(i) || network.ConstantOf(i) is not null)) images.UnionWith(node.Output);
        }

        return images;
    }

    /// <summary>How many products there are for each element of the input; dims that are named count as 1 in both.</summary>
    private static double ProductsOf(Contraction contraction, Func<string, TensorType?> typeOf)
    {
        double output = Elements(contraction.Key), perElement = (double)contraction.Weights.Count / contraction.Channels;
        return output * perElement / Elements(contraction.X);

        double Elements(string value) => typeOf(value)?.Dims.Aggregate(1.0, (product, dim) => product * (dim.IsConstant ? dim.Value : 1)) ?? 1;
    }

    /// <summary>True for an operator that may pass bytes on.</summary>
    public static bool MayCarry(NodeProto node) => node.IsStandard() && (SameRange.Contains(node.OpType) || OtherRange.Contains(node.OpType) || node.OpType == "Concat");

    /// <summary>True for a node that is fused with what makes its input.</summary>
    public static bool IsFused(NodeProto node) => node.IsStandard() && Fused.Contains(node.OpType);

    private void FindByteNodes(Func<string, TensorType?> typeOf)
    {
        // From the end: what a node's output leads to is known before the node.
        HashSet<string> leads = new(StringComparer.Ordinal);
        foreach (NodeProto node in _network.Graph.Node.Reverse())
        {
            if (node.Output.FirstOrDefault() is not { Length: > 0 } y) continue;
            if (_contractions.Contains(y))
            {
                _byteNodes.Add(y);
                leads.Add(node.Input[0]);
            }
            else if (leads.Contains(y) && node.IsStandard())
            {
                if (IsCarrier(node, typeOf))
                {
                    _byteNodes.Add(y);
                    leads.UnionWith(ActivationsOf(node));
                }
                else if (IsFused(node)) leads.Add(node.Input[0]);
            }
        }
    }

    private bool IsCarrier(NodeProto node, Func<string, TensorType?> typeOf)
    {
        if (!MayCarry(node)) return false;
        if (node.Output.Skip(1).Any(o => o.Length > 0)) return false;
        // What is found outside the input would have to be a step of its range.
        if (node.Find("mode")?.S.ToStringUtf8() == "cubic" || node.Find("extrapolation_value") is { F: not 0 }) return false;
        return ActivationsOf(node).All(x => typeOf(x) is { Element: ElementType.Float32 } && _network.ConstantOf(x) is null);
    }

    /// <summary>The inputs of a node that can be bytes.</summary>
    private static IEnumerable<string> ActivationsOf(NodeProto node) => node.OpType is "Add" or "Concat" ? node.Input.Distinct() : [node.Input[0]];

    private void Unite(NodeProto node)
    {
        string y = node.Output[0];
        if (SameRange.Contains(node.OpType)) Unite(node.Input[0], y);
        if (node.OpType != "Concat") return;
        // Parts that only this node reads are quantised as the whole is, so that they are put together as they are.
        foreach (string x in node.Input.Distinct())
            if (_network.OnlyReaderOf(x) == node) Unite(x, y);
    }

    private void Unite(string a, string b)
    {
        if (!_tensors.Contains(a) || !_tensors.Contains(b)) return;
        (a, b) = (RangeOf(a), RangeOf(b));
        if (a != b) _parents[a] = b;
    }
}
