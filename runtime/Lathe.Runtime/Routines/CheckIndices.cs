using System.Numerics;
using System.Runtime.InteropServices;

namespace Lathe.Runtime.Routines;

/// <summary>
/// Refuses indices that are outside of what they choose from; writes nothing. Operands: the indices, the last axis of which holds one for each of some axes;
/// what they choose from. Integers: the first of these axes; their number.
/// </summary>
internal static unsafe class CheckIndices
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor indices = call[0], x = call[1];
        long from = call.Integers[0], axes = call.Integers[1], count = indices.Count;
        if (axes == 1 && IsInside(indices, count, x.Dims[from])) return;
        for (long i = 0; i < count; i++)
        {
            long index = indices.Integer(i), dim = x.Dims[from + (i % axes)];
            if (index >= dim || index < (indices.Type.IsUnsigned() ? 0 : -dim)) throw call.Bad($"index {(indices.Type == ElementType.UInt64 ? (ulong)index : index)} is outside an axis of {dim}");
        }
    }

    // A pass at the speed of memory over the common types; all others, and the search for the one to blame, go one by one.
    private static bool IsInside(RoutineTensor indices, long count, long dim) => count <= int.MaxValue && indices.Type switch
    {
        ElementType.Int64 => AreBetween(new ReadOnlySpan<long>(indices.Pointer, (int)count), -dim, dim),
        ElementType.Int32 => dim <= int.MaxValue && AreBetween(new ReadOnlySpan<int>(indices.Pointer, (int)count), (int)-dim, (int)dim),
        _ => false,
    };

    private static bool AreBetween<T>(ReadOnlySpan<T> values, T low, T high)
        where T : unmanaged, IComparisonOperators<T, T, bool>
    {
        ReadOnlySpan<Vector<T>> vectors = MemoryMarshal.Cast<T, Vector<T>>(values);
        Vector<T> lowest = new(low), highest = new(high), outside = Vector<T>.Zero;
        foreach (Vector<T> vector in vectors) outside |= Vector.LessThan(vector, lowest) | Vector.GreaterThanOrEqual(vector, highest);
        if (outside != Vector<T>.Zero) return false;
        foreach (T value in values[(vectors.Length * Vector<T>.Count)..])
            if (value < low || value >= high) return false;
        return true;
    }
}
