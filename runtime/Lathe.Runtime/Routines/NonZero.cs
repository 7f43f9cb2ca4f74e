namespace Lathe.Runtime.Routines;

/// <summary>
/// The places of the elements that are not zero, in row-major order. Operands: x; the places (int64, one row of dims per axis of x, as long as there are
/// places: row r begins after r times their number); their number (int64 scalar).
/// </summary>
internal static unsafe class NonZero
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor x = call[0];
        long* places = call[1].As<long>();
        long total = x.Count, found = 0;
        for (long i = 0; i < total; i++)
            if (IsNonZero(x, i)) found++;
        *call[2].As<long>() = found;

        long at = 0;
        for (long i = 0; i < total; i++)
        {
            if (!IsNonZero(x, i)) continue;
            long rest = i;
            for (int axis = x.Dims.Length - 1; axis >= 0; axis--)
            {
                (rest, places[(axis * found) + at]) = Math.DivRem(rest, x.Dims[axis]);
            }

            at++;
        }
    }

    private static bool IsNonZero(RoutineTensor x, long at) => x.Type switch
    {
        ElementType.Float32 => x.As<float>()[at] != 0,
        ElementType.Float64 => x.As<double>()[at] != 0,
        ElementType.Float16 or ElementType.BFloat16 => (x.As<ushort>()[at] & 0x7fff) != 0,
        _ => x.Integer(at) != 0,
    };
}
