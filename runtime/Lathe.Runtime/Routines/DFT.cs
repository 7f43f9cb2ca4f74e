namespace Lathe.Runtime.Routines;

/// <summary>
/// Discrete Fourier transforms along an axis. Operands: x (floats, the last axis of 1 for real or 2 for complex numbers); their length, if it is given, to
/// which x is cut off or filled up with zeros, and the axis, if it is given (integer scalars); y. Integers: the number of inputs; the axis if it is not
/// given; 1 for the inverse; 1 if of a transform of real numbers only the first half and one more are in y, or, for the inverse, in x. Floats are transformed
/// in float64. Scratch: 192 bytes for each number of a transform.
/// </summary>
internal static unsafe class DFT
{
    public static void Run(RoutineCall call)
    {
        int inputs = (int)call.Integers[0], axes = call[0].Dims.Length - 1;
        RoutineTensor x = call[0], y = call[inputs];
        int axis = (int)ScatterReduction.Place(call, inputs > 2 && call.Has(2) ? Counted(call[2].Integer(0), axes) : call.Integers[1], axes);
        bool isInverse = call.Integers[2] != 0, isHalf = call.Integers[3] != 0;
        long given = x.Dims[axis], n = inputs > 1 && call.Has(1) ? call[1].Integer(0) : isInverse && isHalf ? 2 * (given - 1) : given;
        long wanted = isHalf && !isInverse ? (n / 2) + 1 : n;
        if (n < 1 || y.Dims[axis] != wanted) throw call.Bad($"a transform of {n} numbers does not give {y.Dims[axis]}");
        for (int i = 0; i < axes; i++)
            if (i != axis && y.Dims[i] != x.Dims[i]) throw call.Bad($"its axis is {axis}, but axis {i} goes from {x.Dims[i]} to {y.Dims[i]}");

        Fourier transform = new((double*)call.Scratch, n, isInverse);
        double* data = transform.Data;
        long inner = x.Extent(axis + 1, axes), outer = x.Extent(0, axis), parts = x.Dims[axes], results = y.Dims[axes];
        for (long row = 0; row < outer * inner; row++)
        {
            long from = (row / inner * given * inner) + (row % inner), to = (row / inner * wanted * inner) + (row % inner);
            for (long i = 0; i < n; i++)
            {
                bool isMirrored = isInverse && isHalf && i > n / 2;
                long at = isMirrored ? n - i : i, element = (from + (at * inner)) * parts;
                (data[2 * i], data[(2 * i) + 1]) = at < given ? (x.Real(element), parts == 2 ? x.Real(element + 1) : 0) : (0, 0);
                // The transform of real numbers is its own mirror image, conjugated.
                if (isMirrored) data[(2 * i) + 1] = -data[(2 * i) + 1];
            }

            transform.Run();
            for (long i = 0; i < wanted; i++)
                for (long part = 0; part < results; part++) y.SetReal(((to + (i * inner)) * results) + part, data[(2 * i) + part]);
        }
    }

    /// <summary>The last axis, that of real and imaginary parts, counts where axes count from the end.</summary>
    private static long Counted(long axis, int axes) => axis >= 0 ? axis : axis == -1 ? axes : axis + 1;
}
