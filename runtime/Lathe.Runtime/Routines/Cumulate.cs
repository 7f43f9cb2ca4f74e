namespace Lathe.Runtime.Routines;

/// <summary>
/// Sums or products of all elements up to each one along an axis. Operands: x; the axis (an integer scalar, from the end where negative); y. Integers: 1 to
/// leave the element itself out; 1 to go from the end to the start; 1 for products. Floats are accumulated in float64, integers wrap.
/// </summary>
internal static class Cumulate
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor x = call[0], y = call[2];
        int rank = x.Dims.Length, axis = (int)ScatterReduction.Place(call, call[1].Integer(0), rank);
        bool isExclusive = call.Integers[0] != 0, isReverse = call.Integers[1] != 0, isProduct = call.Integers[2] != 0, isFloat = x.Type.IsFloat();
        long length = x.Dims[axis], inner = x.Extent(axis + 1, rank), rows = x.Extent(0, axis) * inner;
        for (long row = 0; row < rows; row++)
        {
            long start = (row / inner * length * inner) + (row % inner), integer = isProduct ? 1 : 0;
            double real = integer;
            for (long i = 0; i < length; i++)
            {
                long at = start + ((isReverse ? length - 1 - i : i) * inner);
                if (isFloat)
                {
                    double next = isProduct ? real * x.Real(at) : real + x.Real(at);
                    y.SetReal(at, isExclusive ? real : next);
                    real = next;
                }
                else
                {
                    long next = unchecked(isProduct ? integer * x.Integer(at) : integer + x.Integer(at));
                    y.SetInteger(at, isExclusive ? integer : next);
                    integer = next;
                }
            }
        }
    }
}
