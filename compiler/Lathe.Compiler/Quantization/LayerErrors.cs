using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Quantization;

/// <summary>
/// What each contraction alone loses by bytes: a copy of it, with rounded input and weights, stands beside each contraction of the unchanged network, and the network itself
/// computes means over what they differ by, so that measuring needs no more memory than running.
/// </summary>
internal sealed class LayerErrors
{
    private const int OutputsOfLayer = 3;

    private readonly IReadOnlyList<Contraction> _contractions;
    private readonly double[] _signal, _noise;
    private readonly double[][] _means;
    private int _samples;

    private LayerErrors(IReadOnlyList<Contraction> contractions)
    {
        _contractions = contractions;
        (_signal, _noise) = (new double[contractions.Count], new double[contractions.Count]);
        _means = [.. contractions.Select(c => new double[c.Channels])];
    }

    /// <summary>Puts the copies into a network, whose outputs become the means.</summary>
    /// <param name="network">The network, which is changed.</param>
    /// <param name="placement">What is to be computed with bytes.</param>
    /// <param name="ranges">The ranges of values.</param>
    /// <param name="typeOf">The types of values.</param>
    public static LayerErrors AddTo(Network network, Placement placement, IReadOnlyDictionary<string, QuantizedRange> ranges, Func<string, TensorType?> typeOf)
    {
        QdqWriter writer = new(network, placement, ranges);
        Dictionary<string, string> rounded = new(StringComparer.Ordinal);
        network.Graph.Output.Clear();
        foreach (Contraction contraction in placement.Contractions)
        {
            if (!rounded.TryGetValue(contraction.X, out string? x))
            {
                NodeProto[] pair = writer.Pair(contraction.X);
                network.Graph.Node.AddRange(pair);
                rounded.Add(contraction.X, x = pair[1].Output[0]);
            }

            QuantizedWeights weights = QuantizedWeights.Of(contraction, null, 1);
            NodeProto copy = contraction.Node.Clone();
            copy.Input[0] = x;
            copy.Input[1] = network.Add(Protos.Tensor(network.Fresh(contraction.Node.Input[1] + "_rounded"), weights.Dequantized(contraction)));
            copy.Take("alpha");
            copy.Output[0] = network.Fresh(contraction.Key + "_rounded");
            copy.Name = copy.Output[0];
            network.Graph.Node.Add(copy);
            int rank = typeOf(contraction.Key)!.Rank, channel = (contraction.OutputAxis + rank) % rank;
            string error = Add("Sub", "_error", copy.Output[0], contraction.Key);
            Mean(Add("Mul", "_signal", contraction.Key, contraction.Key), [.. Enumerable.Range(0, rank)]);
            Mean(Add("Mul", "_noise", error, error), [.. Enumerable.Range(0, rank)]);
            Mean(error, [.. Enumerable.Range(0, rank).Where(a => a != channel)]);

            string Add(string op, string suffix, string a, string b)
            {
                NodeProto node = Protos.Node(op, network.Fresh(contraction.Key + suffix), a, b);
                network.Graph.Node.Add(node);
                return node.Output[0];
            }
        }

        return new LayerErrors(placement.Contractions);

        void Mean(string of, int[] axes)
        {
            string mean = network.Fresh(of + "_mean");
            long[] over = [.. axes.Select(a => (long)a)];
            // Opset 18 made an input of the axes.
            NodeProto node = network.Opset >= 18
                ? Protos.Node("ReduceMean", mean, of, network.Add(Protos.Int64s(network.Fresh(mean + "_axes"), over)))
                : Protos.Node("ReduceMean", mean, of).With("axes", over);
            network.Graph.Node.Add(node.With("keepdims", 0));
            network.Graph.Output.Add(new ValueInfoProto { Name = mean });
        }
    }

    /// <summary>Takes in the network's outputs for a sample.</summary>
    public void Add(IReadOnlyList<TensorData> outputs)
    {
        _samples++;
        for (int i = 0; i < _contractions.Count; i++)
        {
            _signal[i] += outputs[i * OutputsOfLayer].GetDouble(0);
            _noise[i] += outputs[(i * OutputsOfLayer) + 1].GetDouble(0);
            TensorData means = outputs[(i * OutputsOfLayer) + 2];
            for (int c = 0; c < _means[i].Length; c++) _means[i][c] += means.GetDouble(c);
        }
    }

    /// <summary>The ratio of signal to noise of each contraction in decibels, by key.</summary>
    /// <param name="corrected">True if the mean of a channel's error is taken from its bias, and so out of the noise.</param>
    public IReadOnlyDictionary<string, double> Ratios(bool corrected) => _contractions.Select((c, i) =>
    {
        double systematic = corrected && c.Node.OpType != "MatMul" ? _means[i].Average(m => m / _samples * (m / _samples)) : 0;
        return (c.Key, Decibels(_signal[i] / _samples, Math.Max(0, (_noise[i] / _samples) - systematic)));
    }).ToDictionary();

    /// <summary>What to add to each bias so that channels keep their means (Nagel et al., Data-Free Quantization, 2019), by key. A MatMul has no bias.</summary>
    public IReadOnlyDictionary<string, float[]> Corrections() => _contractions.Select((c, i) => (c, i)).Where(p => p.c.Node.OpType != "MatMul")
        .ToDictionary(p => p.c.Key, p => (float[])[.. _means[p.i].Select(m => (float)(-m / _samples))]);

    /// <summary>A ratio of signal to noise in decibels; one of no noise is 200, more than floats have.</summary>
    public static double Decibels(double signal, double noise) =>
        double.IsNaN(noise) ? -200 : noise <= 0 ? 200 : signal <= 0 ? 0 : Math.Min(200, 10 * Math.Log10(signal / noise));
}
