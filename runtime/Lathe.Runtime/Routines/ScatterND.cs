namespace Lathe.Runtime.Routines;

/// <summary>
/// A tensor in which slices of updates meet slices whose place comes from data. Operands: x; indices (integers, rows of one index for each of the first axes
/// of x); updates (one slice for each row); y. Integers: the reduction (<see cref="ScatterReduction"/>).
/// </summary>
internal static class ScatterND
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor x = call[0], indices = call[1], updates = call[2], y = call[3];
        int rows = indices.Dims.Length - 1, width = (int)indices.Dims[rows];
        for (int i = 0; i < updates.Dims.Length; i++)
            if (updates.Dims[i] != (i < rows ? indices.Dims[i] : x.Dims[i - rows + width])) throw call.Bad("there is not one slice of updates for each row of indices");

        RoutineElements.Copy(x, 0, y, 0, x.Count);
        long slice = x.Extent(width, x.Dims.Length), count = indices.Extent(0, rows);
        for (long row = 0; row < count; row++)
        {
            long at = 0;
            for (int i = 0; i < width; i++) at = (at * x.Dims[i]) + ScatterReduction.Place(call, indices.Integer((row * width) + i), x.Dims[i]);
            ScatterReduction.Apply(call.Integers[0], updates, row * slice, y, at * slice, slice);
        }
    }
}
