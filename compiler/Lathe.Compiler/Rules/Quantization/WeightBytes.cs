using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>Quantised weights as what is multiplied with: signed bytes and the zero points that they leave.</summary>
/// <param name="Bytes">The weights, in the order of the tensor.</param>
/// <param name="Zeros">What is left of each filter's zero point; all 0 where weights less their zero points are signed bytes.</param>
internal sealed record WeightBytes(long[] Bytes, long[] Zeros)
{
    /// <summary>The form of weights.</summary>
    /// <param name="w">The weights, of 8 bits.</param>
    /// <param name="zero">Their zero points, one or one for each filter; null for 0.</param>
    /// <param name="filters">How many filters there are.</param>
    /// <param name="filterOf">Which filter a weight belongs to.</param>
    public static WeightBytes Of(TensorData w, TensorData? zero, int filters, Func<int, int> filterOf)
    {
        long[] zeros = [.. Enumerable.Range(0, filters).Select(o => zero is null ? 0 : zero.GetInt64(zero.Count == 1 ? 0 : o))];
        long[] distances = [.. Enumerable.Range(0, w.Count).Select(i => w.GetInt64(i) - zeros[filterOf(i)])];
        if (distances.All(d => d is >= sbyte.MinValue and <= sbyte.MaxValue)) return new WeightBytes(distances, new long[filters]);
        long shift = w.Element == ElementType.UInt8 ? 128 : 0;
        return new WeightBytes([.. w.ToInt64s().Select(v => v - shift)], [.. zeros.Select(z => z - shift)]);
    }

    /// <summary>The bytes as words of four neighbours along an axis.</summary>
    /// <param name="dims">The shape of the weights.</param>
    /// <param name="axis">The axis.</param>
    public TensorData Words(long[] dims, int axis)
    {
        TensorData bytes = TensorData.Zeros(ElementType.Int8, dims);
        for (int i = 0; i < Bytes.Length; i++) bytes.SetInt64(i, Bytes[i]);
        return ByteWords.Pack(bytes, axis);
    }

    /// <summary>What each filter's sum starts with, for activations of a zero point: bias - zero · Σ (byte - left), and its length · zero · left.</summary>
    /// <param name="zero">The zero point of the activations.</param>
    /// <param name="bias">What is added to a filter's sum.</param>
    /// <param name="filterOf">Which filter a weight belongs to.</param>
    public int[] Starts(long zero, Func<int, long> bias, Func<int, int> filterOf)
    {
        long[] starts = [.. Enumerable.Range(0, Zeros.Length).Select(bias)];
        for (int i = 0; i < Bytes.Length; i++)
        {
            int filter = filterOf(i);
            starts[filter] -= zero * (Bytes[i] - Zeros[filter]);
        }

        return [.. starts.Select(s => unchecked((int)s))];
    }
}
