using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;

namespace Lathe.Compiler.Quantization;

/// <summary>
/// Rewrites a model of opset 7 to 12 as one of opset 13, the first that has scales for the indices of an axis. Only what changed on the way is touched: attributes that became
/// inputs, operators that got another name, and the softmax, which once saw its input as a matrix.
/// </summary>
internal sealed class OpsetUpgrade
{
    /// <summary>The version that models are brought to.</summary>
    public const int Target = 13;

    /// <summary>The oldest version that models are brought from: before, operands were not broadcast as they are now.</summary>
    private const int Oldest = 7;

    /// <summary>The oldest version of the file format that knows the operators of <see cref="Target"/>.</summary>
    private const int IrVersion = 7;

    private readonly int _from;
    private readonly Network _network;
    private readonly Func<string, int?> _rankOf;

    private OpsetUpgrade(Network network, Func<string, int?> rankOf) => (_network, _from, _rankOf) = (network, network.Opset, rankOf);

    /// <summary>Rewrites a model. One of opset 13 or later stays as it is.</summary>
    /// <param name="network">The model.</param>
    /// <param name="rankOf">The ranks of values, where they are known.</param>
    /// <exception cref="DiagnosticException">The model is older than opset 7, or has an operator whose meaning cannot be kept.</exception>
    public static void Run(Network network, Func<string, int?> rankOf)
    {
        ModelProto model = network.Model;
        model.IrVersion = Math.Max(model.IrVersion, IrVersion);
        // Since version 4 of the format an initialiser that is an input too is a default, which a caller may replace; as Lathe reads models it never is.
        HashSet<string> constants = new(model.Graph.Initializer.Select(i => i.Name), StringComparer.Ordinal);
        foreach (ValueInfoProto input in model.Graph.Input.Where(i => constants.Contains(i.Name)).ToArray()) model.Graph.Input.Remove(input);
        if (network.Opset >= Target) return;
        if (network.Opset < Oldest) throw Fails(null, $"opset {network.Opset} is older than {Oldest}");
        new OpsetUpgrade(network, rankOf).Upgrade(model.Graph, isBody: false);
        foreach (OperatorSetIdProto import in model.OpsetImport)
            if (OpsetTable.Normal(import.Domain).Length == 0) import.Version = Target;
    }

    private void Upgrade(GraphProto graph, bool isBody)
    {
        NodeProto[] nodes = [.. graph.Node];
        graph.Node.Clear();
        foreach (NodeProto node in nodes)
        {
            foreach (GraphProto body in NodeOrder.Bodies(node)) Upgrade(body, isBody: true);
            if (!node.IsStandard()) graph.Node.Add(node);
            else foreach (NodeProto upgraded in Upgraded(node, isBody)) graph.Node.Add(upgraded);
        }
    }

    private IEnumerable<NodeProto> Upgraded(NodeProto node, bool isBody)
    {
        switch (node.OpType)
        {
            case "BatchNormalization" when _from < 9:
                if (node.Take("spatial") is { I: 0 }) throw Fails(node, "its statistics are those of elements, not of channels");
                break;
            case "Upsample":
                if (_from < 9) MakeInput(node, 1, Scales(node));
                node.OpType = "Resize";
                node.Input.Insert(1, "");
                if (node.Find("mode") is { } mode && mode.S.ToStringUtf8() == "bilinear") mode.S = Google.Protobuf.ByteString.CopyFromUtf8("linear");
                node.With("coordinate_transformation_mode", "asymmetric").With("nearest_mode", "floor");
                break;
            case "Resize" when _from < 11:
                // The nearest element was the one behind where the input shrinks, which no mode says for some axes only.
                if (_network.ConstantOf(node.Input[1])?.ToDoubles().All(s => s >= 1) != true && node.Find("mode")?.S.ToStringUtf8() is null or "nearest") throw Fails(node, "it shrinks its input");
                node.Input.Insert(1, "");
                node.With("coordinate_transformation_mode", "asymmetric").With("nearest_mode", "floor");
                break;
            case "Slice" when _from < 10:
                long[] starts = [.. node.Take("starts")!.Ints], ends = [.. node.Take("ends")!.Ints];
                long[] axes = node.Take("axes") is { } given ? [.. given.Ints] : [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)];
                MakeInput(node, 1, starts);
                MakeInput(node, 2, ends);
                MakeInput(node, 3, axes);
                break;
            case "TopK" when _from < 10:
                MakeInput(node, 1, [node.Take("k")!.I]);
                break;
            case "Pad" when _from < 11:
                MakeInput(node, 1, [.. (node.Take("pads") ?? node.Take("paddings"))!.Ints]);
                MakeInput(node, 2, node.Take("value")?.F ?? 0);
                break;
            case "Clip" when _from < 11:
                MakeInput(node, 1, node.Take("min")?.F);
                MakeInput(node, 2, node.Take("max")?.F);
                break;
            case "Scatter":
                node.OpType = "ScatterElements";
                break;
            case "Dropout" when _from < 12:
                node.Take("ratio");
                break;
            case "Scan" when _from < 9:
                throw Fails(node, "its batches were given up in opset 9");
            case "Squeeze" or "Unsqueeze" when node.Take("axes") is { } axesOf:
                MakeInput(node, 1, [.. axesOf.Ints]);
                break;
            case "ReduceSum" when node.Take("axes") is { } summed:
                MakeInput(node, 1, [.. summed.Ints]);
                break;
            case "Split" when node.Take("split") is { } lengths:
                MakeInput(node, 1, [.. lengths.Ints]);
                break;
            case "Softmax" or "LogSoftmax" or "Hardmax":
                return Flattened(node, isBody);
        }

        return [node];
    }

    /// <summary>Before opset 13 all axes from the given one on were one.</summary>
    private IEnumerable<NodeProto> Flattened(NodeProto node, bool isBody)
    {
        long axis = node.Take("axis")?.I ?? 1;
        string x = node.Input[0], y = node.Output[0];
        // A body's names may be other values than the graph's of the same names.
        if (!isBody && _rankOf(x) is { } rank && (axis == rank - 1 || axis == -1)) return [node.With("axis", -1)];
        string matrix = _network.Fresh(y + "_matrix"), shape = _network.Fresh(y + "_shape"), result = _network.Fresh(y + "_result");
        node.Input[0] = matrix;
        node.Output[0] = result;
        return [Protos.Node("Flatten", matrix, x).With("axis", axis), node.With("axis", -1), Protos.Node("Shape", shape, x), Protos.Node("Reshape", y, result, shape)];
    }

    private static float[] Scales(NodeProto node) => node.Take("scales") is { } scales ? [.. scales.Floats] : throw Fails(node, "it has no scales");

    private void MakeInput(NodeProto node, int index, ReadOnlySpan<long> values) =>
        SetInput(node, index, _network.Add(Protos.Int64s(_network.Fresh($"{node.Output[0]}_{node.OpType}_{index}"), values)));

    private void MakeInput(NodeProto node, int index, ReadOnlySpan<float> values) =>
        SetInput(node, index, _network.Add(Protos.Floats(_network.Fresh($"{node.Output[0]}_{node.OpType}_{index}"), values, values.Length)));

    private void MakeInput(NodeProto node, int index, float? value) =>
        SetInput(node, index, value is { } number ? _network.Add(Protos.Floats(_network.Fresh($"{node.Output[0]}_{node.OpType}_{index}"), [number])) : "");

    private static void SetInput(NodeProto node, int index, string name)
    {
        while (node.Input.Count <= index) node.Input.Add("");
        node.Input[index] = name;
    }

    private static DiagnosticException Fails(NodeProto? node, string reason) =>
        new(new Diagnostic(DiagnosticTable.NotUpgraded, node is null ? null : Importer.NameOf(node), node is null ? "the model" : node.OpType, $"{Target}", reason));
}
