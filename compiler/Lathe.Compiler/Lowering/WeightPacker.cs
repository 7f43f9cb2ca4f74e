using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Lowering;

/// <summary>Lays a constant's elements out as a layout says; what belongs to no element is zero.</summary>
public static class WeightPacker
{
    /// <summary>The bytes of a constant in a layout.</summary>
    public static byte[] Pack(TensorData data, Layout? layout)
    {
        if (layout is null || layout.IsRowMajor) return data.Bytes;
        IndexExpr[] dims = [.. data.Dims.Select(d => (IndexExpr)d)];
        int size = data.Element.Size(), rank = dims.Length;
        byte[] packed = new byte[checked(layout.Length(dims).Value * size)];

        // Every level speaks of one axis, so an offset is a sum of one table look-up per axis.
        long[][] offsets = new long[rank][];
        for (int axis = 0; axis < rank; axis++) offsets[axis] = new long[data.Dims[axis]];
        long stride = 1;
        for (int i = layout.Levels.Length - 1; i >= 0; i--)
        {
            LayoutLevel level = layout.Levels[i];
            for (long x = 0; x < data.Dims[level.Axis]; x++)
            {
                long index = (x + level.PadLow) / level.Divisor;
                if (level.Modulus != 0) index %= level.Modulus;
                offsets[level.Axis][x] += index * stride;
            }

            stride *= Layout.LevelLength(level, dims).Value;
        }

        long[] at = new long[rank];
        for (int element = 0; element < data.Count; element++)
        {
            long offset = 0;
            for (int axis = 0; axis < rank; axis++) offset += offsets[axis][at[axis]];
            data.Bytes.AsSpan(element * size, size).CopyTo(packed.AsSpan(checked((int)(offset * size)), size));
            for (int axis = rank - 1; axis >= 0 && ++at[axis] == data.Dims[axis]; axis--) at[axis] = 0;
        }

        return packed;
    }
}
