using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>Carries known elements of small tensors (<see cref="Value.Contents"/>) through operators. A null element or input gives null.</summary>
internal static class KnownContents
{
    /// <summary>The largest tensor whose elements take part in shape inference.</summary>
    public const int MaxCount = 64;

    /// <summary>A function of every element.</summary>
    public static EquatableArray<IndexExpr>? Map(EquatableArray<IndexExpr>? contents, Func<IndexExpr, IndexExpr?> function)
    {
        if (contents is not { } known) return null;
        return Complete(() => [.. known.Select(function)]);
    }

    /// <summary>A function of corresponding elements, broadcast to a shape.</summary>
    public static EquatableArray<IndexExpr>? Zip(
        Value a, Value b, IReadOnlyList<IndexExpr> dims, Func<IndexExpr, IndexExpr, IndexExpr?> function)
    {
        if (a.Contents is not { } left || b.Contents is not { } right || Static(dims) is not { } shape) return null;
        int[] leftOffsets = RowMajor.Broadcast(a.Type.StaticDims, shape), rightOffsets = RowMajor.Broadcast(b.Type.StaticDims, shape);
        return Complete(() => [.. leftOffsets.Select((offset, i) => function(left[offset], right[rightOffsets[i]]))]);
    }

    /// <summary>Elements at row-major offsets, one for each index of a shape.</summary>
    public static EquatableArray<IndexExpr>? Rearrange(
        EquatableArray<IndexExpr>? contents, IReadOnlyList<IndexExpr> dims, Func<long[], long> offset)
    {
        if (contents is not { } known || Static(dims) is not { } shape) return null;
        return RowMajor.Indices(shape).Select(index => known[(int)offset(index)]).ToEquatableArray();
    }

    /// <summary>The elements if all are known, and none leaves 64 bits: data may be any number, where dims are small.</summary>
    public static EquatableArray<IndexExpr>? Complete(Func<IReadOnlyList<IndexExpr?>> elements)
    {
        try
        {
            IReadOnlyList<IndexExpr?> all = elements();
            if (all.Count > MaxCount || all.Contains(null)) return null;
            return all.Select(e => e!).ToEquatableArray();
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    /// <summary>The elements as far as an element type can hold them: what wraps is not known.</summary>
    public static EquatableArray<IndexExpr>? Held(EquatableArray<IndexExpr>? contents, ElementType element)
    {
        if (contents is not { } known || element is ElementType.Int64 or ElementType.Bool || element.IsFloat()) return contents;
        if (element == ElementType.UInt64) return known.All(e => e.Range.Min >= 0) ? contents : null;
        int bits = 8 * element.Size();
        (long min, long max) = element.IsSigned() ? (-1L << (bits - 1), (1L << (bits - 1)) - 1) : (0, (1L << bits) - 1);
        return known.All(e => e.IsConstant ? e.Value >= min && e.Value <= max : bits >= 32) ? contents : null;
    }

    /// <summary>The elements if all are known constants.</summary>
    public static long[]? Constants(EquatableArray<IndexExpr>? contents) =>
        contents is { } known && known.All(e => e.IsConstant) ? [.. known.Select(e => e.Value)] : null;

    /// <summary>The dims of a small static shape, otherwise null.</summary>
    public static long[]? Static(IReadOnlyList<IndexExpr> dims)
    {
        if (!dims.All(d => d.IsConstant)) return null;
        long[] shape = [.. dims.Select(d => d.Value)];
        return shape.All(d => d <= MaxCount) && shape.Aggregate(1.0, (count, d) => count * d) <= MaxCount ? shape : null;
    }
}
