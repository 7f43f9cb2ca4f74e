using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <summary>
/// batchNormalization(conv(x, w, b)) → conv(x, w', b'): the bytes are those of the weights that are multiplied with, so the statistics have to be in them before they are
/// quantised.
/// </summary>
internal static class FoldBatchNormalization
{
    private const float DefaultEpsilon = 1e-5f;

    /// <summary>Rewrites every such pair whose numbers are constants.</summary>
    public static void Run(Network network)
    {
        foreach (NodeProto node in network.Graph.Node.ToArray())
        {
            if (node.OpType != "BatchNormalization" || !node.IsStandard() || node.Output.Skip(1).Any(o => o.Length > 0)) continue;
            // In training the statistics are those of the batch, not the constants.
            if (node.Find("training_mode") is { I: not 0 }) continue;
            if (network.ProducerOf(node.Input[0]) is not { OpType: "Conv" } conv || !conv.IsStandard() || network.OnlyReaderOf(node.Input[0]) != node) continue;
            if (network.ConstantOf(conv.InputAt(1)) is not { Element: ElementType.Float32 } weights || conv.InputAt(3).Length > 0) continue;
            TensorData? bias = conv.InputAt(2) is { Length: > 0 } name ? network.ConstantOf(name) : null;
            if (bias is null && conv.InputAt(2).Length > 0) continue;
            TensorData?[] statistics = [.. node.Input.Skip(1).Select(network.ConstantOf)];
            if (statistics is not [{ } gamma, { } beta, { } mean, { } variance] || weights.Dims.Length < 3 || statistics.Any(s => s!.Count != weights.Dims[0])) continue;
            double epsilon = node.Find("epsilon")?.F ?? DefaultEpsilon;
            int filters = (int)weights.Dims[0], perFilter = filters == 0 ? 0 : weights.Count / filters;
            float[] scaled = new float[weights.Count], offsets = new float[filters];
            for (int o = 0; o < filters; o++)
            {
                double factor = gamma.GetDouble(o) / Math.Sqrt(variance.GetDouble(o) + epsilon);
                offsets[o] = (float)(beta.GetDouble(o) + (((bias?.GetDouble(o) ?? 0) - mean.GetDouble(o)) * factor));
                for (int i = o * perFilter; i < (o + 1) * perFilter; i++) scaled[i] = (float)(weights.GetDouble(i) * factor);
            }

            string w = network.Add(Protos.Floats(network.Fresh(conv.Input[1] + "_folded"), scaled, weights.Dims));
            string b = network.Add(Protos.Floats(network.Fresh(node.Output[0] + "_bias"), offsets, filters));
            string x = conv.Input[0];
            // One without a name is called by its output, which becomes another.
            conv.Name = Importer.NameOf(conv);
            conv.Input.Clear();
            conv.Input.AddRange([x, w, b]);
            conv.Output[0] = node.Output[0];
            network.Graph.Node.Remove(node);
        }
    }
}
