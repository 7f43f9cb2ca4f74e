using Lathe.Compiler.Onnx;

namespace Lathe.Compiler.Quantization;

/// <content>Scales of channels, out of what the samples make of them.</content>
public sealed partial class Quantizer
{
    /// <summary>Runs the samples for the largest value of each channel, and scales by it.</summary>
    private void Equalise()
    {
        ModelProto survey = _model.Clone();
        Placement placement = PlacementOf(survey, new HashSet<string>(), out Network network);
        (string Tensor, bool IsImage)[] tensors = [.. new Equalisation(network, placement, _types.GetValueOrDefault).Tensors];
        if (tensors.Length == 0) return;
        network.Graph.Output.Clear();
        foreach ((string tensor, bool isImage) in tensors)
        {
            int rank = _types[tensor].Rank;
            long[] axes = [.. Enumerable.Range(0, rank).Where(a => a != (isImage ? 1 : rank - 1)).Select(a => (long)a)];
            NodeProto size = Protos.Node("Abs", network.Fresh(tensor + "_size"), tensor);
            string largest = network.Fresh(tensor + "_largest");
            NodeProto maximum = network.Opset >= 18
                ? Protos.Node("ReduceMax", largest, size.Output[0], network.Add(Protos.Int64s(network.Fresh(largest + "_axes"), axes)))
                : Protos.Node("ReduceMax", largest, size.Output[0]).With("axes", axes);
            network.Graph.Node.AddRange([size, maximum.With("keepdims", 0)]);
            network.Graph.Output.Add(new ValueInfoProto { Name = largest });
        }

        CompiledOutput compiled = Compile(survey);
        int samples = _runner.Open(compiled);
        Dictionary<string, double[]> maxima = [];
        _runner.Run([compiled], [.. Enumerable.Range(0, samples)], (_, outputs) =>
        {
            for (int t = 0; t < tensors.Length; t++)
            {
                float[] found = outputs[0][t].Span<float>().ToArray();
                maxima[tensors[t].Tensor] = maxima.TryGetValue(tensors[t].Tensor, out double[]? known) ? [.. known.Zip(found, (a, b) => Math.Max(a, b))] : [.. found.Select(f => (double)f)];
            }
        });

        Placement own = PlacementOf(_model, new HashSet<string>(), out Network target);
        new Equalisation(target, own, _types.GetValueOrDefault).Apply(maxima, _types.GetValueOrDefault, (name, like) => _types[name] = _types[like]);
        Prune.Run(_model);
    }
}
