namespace Lathe.Runtime.Routines;

/// <summary>
/// Puts elements at offsets into a row-major tensor, the rest of which is 0. Operands: x; an offset for each element (int64); y, which may be larger than the
/// tensor, at whose start it then lies. Integers: for each spatial axis the pool's window, then for each its stride, then for each its paddings together;
/// they give the shape of the tensor.
/// </summary>
internal static unsafe class MaxUnpool
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor x = call[0], indices = call[1], y = call[2];
        int rank = x.Dims.Length;
        long total = 1, count = x.Count;
        for (int i = 0; i < rank; i++)
        {
            long dim = Dim(call, i);
            if (indices.Dims[i] != x.Dims[i]) throw call.Bad("there is not one index for each element");
            if (dim < 0 || dim > y.Dims[i]) throw call.Bad($"its output has {y.Dims[i]} elements along axis {i}, but {dim} are to be held");
            total *= dim;
        }

        y.Clear();
        for (long i = 0; i < count; i++)
        {
            long rest = indices.As<long>()[i], at = 0, stride = 1;
            if (rest < 0 || rest >= total) throw call.Bad($"index {rest} is outside {total} elements");
            for (int axis = rank - 1; axis >= 0; axis--)
            {
                (rest, long index) = Math.DivRem(rest, Dim(call, axis));
                at += index * stride;
                stride *= y.Dims[axis];
            }

            RoutineElements.Copy(x, i, y, at, 1);
        }
    }

    private static long Dim(RoutineCall call, int axis)
    {
        long dim = call[0].Dims[axis];
        int spatial = axis - 2, axes = call[0].Dims.Length - 2;
        return spatial < 0 ? dim : ((dim - 1) * call.Integers[axes + spatial]) + call.Integers[spatial] - call.Integers[(2 * axes) + spatial];
    }
}
