using Lathe.Runtime;

namespace Lathe.Compiler.Graph;

/// <summary>Tensors of numbers that look random and are the same everywhere: floats in [-1, 1), integers of one digit.</summary>
public static class RandomTensor
{
    /// <summary>The tensor of a seed.</summary>
    public static TensorData Of(ElementType element, long seed, params long[] dims)
    {
        TensorData data = TensorData.Zeros(element, dims);
        ulong state = unchecked((ulong)seed + 1) * 0x9E3779B97F4A7C15;
        for (int i = 0; i < data.Count; i++)
        {
            // SplitMix64.
            ulong z = state = unchecked(state + 0x9E3779B97F4A7C15);
            z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
            z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
            z ^= z >> 31;
            double unit = (z >> 11) / (double)(1UL << 53);
            if (element.IsFloat()) data.SetDouble(i, (unit * 2) - 1);
            else if (element == ElementType.String) data.Strings![i] = $"s{z % 10}";
            else data.SetInt64(i, element == ElementType.Bool ? (long)(z & 1) : element.IsSigned() ? (long)(z % 19) - 9 : (long)(z % 10));
        }

        return data;
    }
}
