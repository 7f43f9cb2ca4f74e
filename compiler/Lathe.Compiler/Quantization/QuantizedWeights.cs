using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;

namespace Lathe.Compiler.Quantization;

/// <summary>Weights as signed bytes, each channel of the output with a scale of its own and no zero point, and the bias in steps of the products.</summary>
/// <param name="Bytes">The weights, -127 to 127: as far on either side.</param>
/// <param name="Scales">What a step stands for, for each channel.</param>
/// <param name="Bias">The bias in steps of the scales of input and channel; null for none.</param>
internal sealed record QuantizedWeights(sbyte[] Bytes, float[] Scales, int[]? Bias)
{
    private const int Largest = 127;

    /// <summary>A bias is no larger, so that what is summed with it still fits an int32.</summary>
    private const double LargestBias = 1 << 30;

    /// <summary>Quantises the weights of a contraction.</summary>
    /// <param name="contraction">The contraction.</param>
    /// <param name="bias">The bias, corrected.</param>
    /// <param name="xScale">The scale of what is multiplied with the weights.</param>
    public static QuantizedWeights Of(Contraction contraction, float[]? bias, float xScale)
    {
        TensorData w = contraction.Weights;
        int channels = contraction.Channels, stride = (int)w.Dims[(contraction.Axis + 1)..].Aggregate(1L, (a, b) => a * b);
        double[] largest = new double[channels];
        for (int i = 0; i < w.Count; i++) largest[i / stride % channels] = Math.Max(largest[i / stride % channels], Math.Abs(w.GetDouble(i)));
        float[] scales = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            double least = bias is null ? 0 : Math.Abs(bias[c]) / (LargestBias * xScale);
            // Denormal scales may count as 0 where the model runs; a channel of nothing but zeros has any.
            scales[c] = (float)Math.Max(largest[c] == 0 ? 1 : Math.Max(largest[c] / Largest, 1e-30), least);
        }

        sbyte[] bytes = new sbyte[w.Count];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (sbyte)Math.Clamp(Math.Round(w.GetDouble(i) / scales[i / stride % channels]), -Largest, Largest);
        return new(bytes, scales, bias is null ? null : [.. bias.Select((b, c) => (int)Math.Round(b / ((double)xScale * scales[c])))]);
    }

    /// <summary>What the bytes stand for.</summary>
    public TensorData Dequantized(Contraction contraction)
    {
        TensorData floats = TensorData.Zeros(contraction.Weights.Element, contraction.Weights.Dims);
        int channels = contraction.Channels, stride = (int)floats.Dims[(contraction.Axis + 1)..].Aggregate(1L, (a, b) => a * b);
        for (int i = 0; i < Bytes.Length; i++) floats.SetDouble(i, Bytes[i] * Scales[i / stride % channels]);
        return floats;
    }
}
