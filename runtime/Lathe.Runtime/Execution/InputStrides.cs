namespace Lathe.Runtime.Execution;

/// <summary>The distances of neighbours along each dim of an input, in elements.</summary>
internal static class InputStrides
{
    /// <summary>True for those of row-major memory without gaps; the stride of a dim of 1 does not matter.</summary>
    public static bool AreDense(ReadOnlySpan<long> strides, ReadOnlySpan<long> shape)
    {
        if (strides.Length != shape.Length) return false;
        if (shape.Contains(0)) return true;
        long dense = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != dense) return false;
            dense *= shape[i];
        }

        return true;
    }

    /// <summary>How many elements of memory an input spans. Refuses strides at which it cannot be read.</summary>
    /// <param name="input">The input.</param>
    /// <param name="strides">The strides; empty for those of dense memory.</param>
    /// <exception cref="ArgumentException">They do not fit the input, overlap, go backwards, or reach beyond any memory.</exception>
    public static long Reach(TensorMemory input, ReadOnlySpan<long> strides)
    {
        ReadOnlySpan<long> shape = input.Shape;
        if (strides.IsEmpty || AreDense(strides, shape)) return input.Bytes / input.Type.Size();
        if (strides.Length != shape.Length || !input.TakesStrides) throw Bad(input, strides, "takes dense row-major memory only");
        long dense = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && !input.TakesStride(i) && strides[i] != dense) throw Bad(input, strides, $"has neighbours along dim {i} that lie together");
            dense *= shape[i];
        }

        // From the nearest neighbours to the farthest: each dim begins behind all that the ones before it span.
        Int128 span = 1;
        for (long from = 0; Next(strides, shape, from) is { Count: > 0 } next; from = next.Stride)
        {
            if (next.Count > 1 || next.Stride < span) throw Bad(input, strides, "would overlap itself");
            span += (Int128)(next.Length - 1) * next.Stride;
        }

        for (int i = 0; i < shape.Length; i++)
            if (shape[i] != 1 && strides[i] < 1) throw Bad(input, strides, "is read forwards");
        return span <= MostElements ? (long)span : throw Bad(input, strides, "would reach beyond any memory");
    }

    /// <summary>What memory of 64 bits can hold of the largest elements.</summary>
    private const long MostElements = 1L << 40;

    /// <summary>The least stride above one that a dim longer than 1 has, and how many dims have it.</summary>
    private static (long Stride, long Length, int Count) Next(ReadOnlySpan<long> strides, ReadOnlySpan<long> shape, long above)
    {
        (long Stride, long Length, int Count) next = default;
        for (int i = 0; i < shape.Length; i++)
        {
            if (shape[i] == 1 || strides[i] <= above) continue;
            if (next.Count == 0 || strides[i] < next.Stride) next = (strides[i], shape[i], 1);
            else if (strides[i] == next.Stride) next.Count++;
        }

        return next;
    }

    private static ArgumentException Bad(TensorMemory input, ReadOnlySpan<long> strides, string reason) =>
        new($"Input '{input.Name}' of shape {string.Join(',', input.Shape)} {reason}: not strides {string.Join(',', strides.ToArray())}.", nameof(strides));
}
