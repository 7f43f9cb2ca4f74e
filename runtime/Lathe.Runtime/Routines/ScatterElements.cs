namespace Lathe.Runtime.Routines;

/// <summary>
/// A tensor in which updates meet elements whose index along an axis comes from data. Operands: x; indices (integers) and updates, of the same shape; y.
/// Integers: the axis; the reduction (<see cref="ScatterReduction"/>).
/// </summary>
internal static class ScatterElements
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor x = call[0], indices = call[1], updates = call[2], y = call[3];
        int axis = (int)call.Integers[0], rank = x.Dims.Length;
        for (int i = 0; i < rank; i++)
        {
            if (indices.Dims[i] != updates.Dims[i]) throw call.Bad("there is not one update for each index");
            if (i != axis && indices.Dims[i] > x.Dims[i]) throw call.Bad($"it has {indices.Dims[i]} indices along axis {i}, which has {x.Dims[i]} elements");
        }

        RoutineElements.Copy(x, 0, y, 0, x.Count);
        long total = updates.Count;
        for (long update = 0; update < total; update++)
        {
            long rest = update, at = 0, stride = 1;
            for (int i = rank - 1; i >= 0; i--)
            {
                (rest, long index) = Math.DivRem(rest, updates.Dims[i]);
                at += (i == axis ? ScatterReduction.Place(call, indices.Integer(update), x.Dims[i]) : index) * stride;
                stride *= x.Dims[i];
            }

            ScatterReduction.Apply(call.Integers[1], updates, update, y, at, 1);
        }
    }
}
