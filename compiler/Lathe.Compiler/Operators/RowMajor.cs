using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators;

/// <summary>Row-major order: strides, offsets and indices of a shape, as numbers and as expressions.</summary>
internal static class RowMajor
{
    /// <summary>The distance between neighbours along each axis.</summary>
    public static long[] Strides(ReadOnlySpan<long> dims)
    {
        long[] strides = new long[dims.Length];
        long stride = 1;
        for (int i = dims.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride = checked(stride * dims[i]);
        }

        return strides;
    }

    /// <summary>The number of elements.</summary>
    public static long Count(ReadOnlySpan<long> dims)
    {
        long count = 1;
        foreach (long dim in dims) count = checked(count * dim);
        return count;
    }

    /// <summary>The offset of an index.</summary>
    public static long Offset(ReadOnlySpan<long> dims, ReadOnlySpan<long> index)
    {
        long offset = 0;
        for (int i = 0; i < dims.Length; i++) offset = (offset * dims[i]) + index[i];
        return offset;
    }

    /// <summary>Every index of a shape in order. The array is the same each time.</summary>
    public static IEnumerable<long[]> Indices(long[] dims)
    {
        if (dims.Contains(0)) yield break;
        long[] index = new long[dims.Length];
        while (true)
        {
            yield return index;
            int axis = dims.Length - 1;
            while (axis >= 0 && ++index[axis] == dims[axis]) index[axis--] = 0;
            if (axis < 0) yield break;
        }
    }

    /// <summary>For every element of a shape the offset of the element that broadcasts to it.</summary>
    public static int[] Broadcast(long[] from, long[] to)
    {
        long[] strides = Strides(from);
        int[] offsets = new int[Count(to)];
        int next = 0;
        foreach (long[] index in Indices(to))
        {
            long offset = 0;
            for (int i = 0; i < from.Length; i++)
                if (from[i] != 1) offset += index[to.Length - from.Length + i] * strides[i];
            offsets[next++] = (int)offset;
        }

        return offsets;
    }

    /// <summary>The offset of an index.</summary>
    public static IndexExpr Offset(IReadOnlyList<IndexExpr> dims, IReadOnlyList<IndexExpr> index)
    {
        IndexExpr offset = IndexExpr.Zero;
        for (int i = 0; i < dims.Count; i++) offset = (offset * dims[i]) + index[i];
        return offset;
    }

    /// <summary>The index of an offset.</summary>
    public static IndexExpr[] Index(IReadOnlyList<IndexExpr> dims, IndexExpr offset)
    {
        IndexExpr[] index = new IndexExpr[dims.Count];
        for (int i = dims.Count - 1; i >= 0; i--)
        {
            bool outermost = i == 0;
            index[i] = outermost ? offset : dims[i] == IndexExpr.Zero ? IndexExpr.Zero : offset % dims[i];
            if (!outermost && dims[i] != IndexExpr.Zero) offset /= dims[i];
        }

        return index;
    }

    /// <summary>
    /// The index in a shape of the element that has another index in another shape of as many elements. Runs of dims with equal products are taken
    /// apart first, so that an axis which a reshape leaves alone keeps its index as it is.
    /// </summary>
    public static IndexExpr[] Reshape(IReadOnlyList<IndexExpr> from, IReadOnlyList<IndexExpr> index, IReadOnlyList<IndexExpr> to)
    {
        List<IndexExpr> result = [];
        int i = 0, j = 0;
        while (i < from.Count || j < to.Count)
        {
            (int iEnd, int jEnd) = Run(from, i, to, j);
            IndexExpr offset = Offset([.. from.Skip(i).Take(iEnd - i)], [.. index.Skip(i).Take(iEnd - i)]);
            result.AddRange(Index([.. to.Skip(j).Take(jEnd - j)], offset));
            (i, j) = (iEnd, jEnd);
        }

        return [.. result];
    }

    /// <summary>The shortest runs from i and j on whose products are equal; everything that is left if there are none.</summary>
    private static (int From, int To) Run(IReadOnlyList<IndexExpr> from, int i, IReadOnlyList<IndexExpr> to, int j)
    {
        for (int iEnd = i; iEnd <= from.Count; iEnd++)
        {
            IndexExpr product = IndexExpr.Product(from.Skip(i).Take(iEnd - i)), other = IndexExpr.One;
            for (int jEnd = j; jEnd <= to.Count; jEnd++)
            {
                if (jEnd > j) other *= to[jEnd - 1];
                // An empty run on one side meets ones on the other.
                if ((iEnd > i || jEnd > j) && product == other && product != IndexExpr.Zero) return (iEnd, jEnd);
            }
        }

        return (from.Count, to.Count);
    }
}
