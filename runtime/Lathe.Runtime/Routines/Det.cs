namespace Lathe.Runtime.Routines;

/// <summary>
/// Determinants of square matrices. Operands: x (floats, [batch…, n, n]); y ([batch…]). Scratch: 8 bytes per element of a matrix.
/// </summary>
/// <remarks>Gaussian elimination in float64 with the largest element of each column as pivot: the product of the pivots, with the sign of the exchanges.</remarks>
internal static unsafe class Det
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor x = call[0], y = call[1];
        long n = x.Dims[^1], count = y.Count;
        if (x.Dims[^2] != n) throw call.Bad($"a matrix of {x.Dims[^2]} x {n} has no determinant");
        double* matrix = (double*)call.Scratch;
        for (long i = 0; i < count; i++)
        {
            for (long k = 0; k < n * n; k++) matrix[k] = x.Real((i * n * n) + k);
            y.SetReal(i, Of(matrix, n));
        }
    }

    private static double Of(double* matrix, long n)
    {
        double product = 1;
        for (long column = 0; column < n; column++)
        {
            long pivot = column;
            for (long row = column + 1; row < n; row++)
                if (Size(matrix[(row * n) + column]) > Size(matrix[(pivot * n) + column])) pivot = row;
            if (pivot != column)
            {
                product = -product;
                for (long k = column; k < n; k++)
                    (matrix[(pivot * n) + k], matrix[(column * n) + k]) = (matrix[(column * n) + k], matrix[(pivot * n) + k]);
            }

            double head = matrix[(column * n) + column];
            product *= head;
            if (head == 0) return product;
            for (long row = column + 1; row < n; row++)
            {
                double factor = matrix[(row * n) + column] / head;
                for (long k = column + 1; k < n; k++) matrix[(row * n) + k] -= factor * matrix[(column * n) + k];
            }
        }

        return product;
    }

    /// <summary>The magnitude by which pivots are chosen: a NaN is not passed by, so that it reaches the result.</summary>
    private static double Size(double x) => double.IsNaN(x) ? double.PositiveInfinity : Math.Abs(x);
}
