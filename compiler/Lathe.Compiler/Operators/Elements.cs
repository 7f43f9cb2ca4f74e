using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>Elements of tensors as the numbers in which <see cref="Op.Evaluate"/> computes: double for floats, Int128 for integers and bools.</summary>
internal static class Elements
{
    /// <summary>An element of an integer or bool tensor, uint64 included, at its true value.</summary>
    public static Int128 GetInteger(this TensorData tensor, int index) =>
        tensor.Element == ElementType.UInt64 ? tensor.Span<ulong>()[index] : tensor.GetInt64(index);

    /// <summary>Sets an element of an integer or bool tensor, wrapping to its width.</summary>
    public static void SetInteger(this TensorData tensor, int index, Int128 value)
    {
        if (tensor.Element == ElementType.Bool) tensor.SetInt64(index, value == 0 ? 0 : 1);
        else tensor.SetInt64(index, unchecked((long)value));
    }

    /// <summary>All elements as doubles.</summary>
    public static double[] ToDoubles(this TensorData tensor)
    {
        double[] values = new double[tensor.Count];
        for (int i = 0; i < values.Length; i++) values[i] = tensor.GetDouble(i);
        return values;
    }

    /// <summary>All elements of an integer or bool tensor.</summary>
    public static long[] ToInt64s(this TensorData tensor)
    {
        long[] values = new long[tensor.Count];
        for (int i = 0; i < values.Length; i++) values[i] = tensor.GetInt64(i);
        return values;
    }

    /// <summary>A tensor of the given elements, each rounded once.</summary>
    public static TensorData FromDoubles(TensorType type, ReadOnlySpan<double> values)
    {
        TensorData tensor = TensorData.Zeros(type.Element, type.StaticDims);
        for (int i = 0; i < values.Length; i++) tensor.SetDouble(i, values[i]);
        return tensor;
    }

    /// <summary>The constant that no element is below: minus infinity, or the least integer.</summary>
    public static Const Lowest(ElementType element) => element switch
    {
        _ when element.IsFloat() => Const.Of(element, double.NegativeInfinity),
        _ when element.IsSigned() => Const.OfInteger(element, long.MinValue >> (64 - (8 * element.Size()))),
        _ => Const.OfInteger(element, 0),
    };

    /// <summary>The constant that no element is above: infinity, or the greatest integer.</summary>
    public static Const Highest(ElementType element) => element switch
    {
        _ when element.IsFloat() => Const.Of(element, double.PositiveInfinity),
        _ when element.IsSigned() => Const.OfInteger(element, long.MaxValue >> (64 - (8 * element.Size()))),
        ElementType.UInt64 => Const.OfInteger(element, -1),
        _ => Const.OfInteger(element, (1L << (8 * element.Size())) - 1),
    };

    /// <summary>The float of a type nearest to a number, ties to even.</summary>
    public static double Round(ElementType element, double value) => element switch
    {
        ElementType.Float32 => (float)value,
        ElementType.Float16 => (double)(Half)value,
        ElementType.BFloat16 => BitConverter.Int32BitsToSingle(TensorData.BFloat16Bits((float)value) << 16),
        _ => value,
    };

    /// <summary>A scalar of an element type.</summary>
    public static TensorData Scalar(ElementType element, double value)
    {
        TensorData tensor = TensorData.Zeros(element);
        tensor.SetDouble(0, value);
        return tensor;
    }

    /// <summary>
    /// A tensor whose element at every index is the element of <paramref name="source"/> at a row-major offset; the fill, or zero, where that is negative.
    /// </summary>
    public static TensorData Rearrange(TensorData source, long[] dims, Func<long[], long> offset, TensorData? fill = null)
    {
        TensorData result = TensorData.Zeros(source.Element, dims);
        int to = 0;
        foreach (long[] index in RowMajor.Indices(dims))
        {
            long from = offset(index);
            if (from >= 0) CopyElement(source, checked((int)from), result, to);
            else if (fill is not null) CopyElement(fill, 0, result, to);
            to++;
        }

        return result;
    }

    /// <summary>Copies one element.</summary>
    public static void CopyElement(TensorData source, int from, TensorData target, int to)
    {
        if (source.Strings is { } strings)
        {
            target.Strings![to] = strings[from];
            return;
        }

        int size = source.Element.Size();
        source.Bytes.AsSpan(from * size, size).CopyTo(target.Bytes.AsSpan(to * size));
    }
}
