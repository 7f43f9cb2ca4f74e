using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>Four neighbours along an axis as a word of 32 bits, the first in its lowest byte; what is beyond the last neighbour is 0.</summary>
internal static class ByteWords
{
    /// <summary>Bytes, as the numbers of 8 bits that they are, as words.</summary>
    public static TensorData Pack(TensorData bytes, int axis)
    {
        TensorData words = TensorData.Zeros(ElementType.Int32, [.. bytes.Dims.Select((d, i) => i == axis ? (d + 3) / 4 : d)]);
        long inner = Inner(bytes, axis), length = bytes.Dims[axis];
        for (int i = 0; i < bytes.Count; i++)
        {
            long at = i / inner % length;
            int word = (int)((((i / inner / length * words.Dims[axis]) + (at / 4)) * inner) + (i % inner));
            words.SetInt64(word, (int)((uint)words.GetInt64(word) | ((uint)(byte)bytes.GetInt64(i) << (int)(8 * (at % 4)))));
        }

        return words;
    }

    /// <summary>Words as four times as many numbers of 8 bits along an axis, or as many as are asked for.</summary>
    public static TensorData Unpack(TensorData words, int axis, ElementType element, long? length = null)
    {
        TensorData bytes = TensorData.Zeros(element, [.. words.Dims.Select((d, i) => i == axis ? length ?? (d * 4) : d)]);
        long inner = Inner(words, axis), count = bytes.Dims[axis];
        for (int i = 0; i < bytes.Count; i++)
        {
            long at = i / inner % count;
            long word = words.GetInt64((int)((((i / inner / count * words.Dims[axis]) + (at / 4)) * inner) + (i % inner))) >> (int)(8 * (at % 4));
            bytes.SetInt64(i, element == ElementType.Int8 ? (sbyte)word : (byte)word);
        }

        return bytes;
    }

    private static long Inner(TensorData data, int axis) => data.Dims.Skip(axis + 1).Aggregate(1L, (a, b) => a * b);
}
