namespace Lathe.Runtime.Routines;

/// <summary>How updates meet elements, by number: 0 takes their place, 1 adds, 2 multiplies, 3 and 4 keep the lesser and the greater.</summary>
internal static unsafe class ScatterReduction
{
    /// <summary>Lets updates that lie one after the other meet as many elements. Floats are combined in float64 and rounded each time; a NaN stays one.</summary>
    public static void Apply(long reduction, RoutineTensor updates, long update, RoutineTensor y, long at, long count)
    {
        if (reduction == 0)
        {
            RoutineElements.Copy(updates, update, y, at, count);
            return;
        }

        bool isFloat = y.Type.IsFloat(), isSigned = !y.Type.IsUnsigned();
        for (long i = 0; i < count; i++)
        {
            if (isFloat) y.SetReal(at + i, Combine(reduction, y.Real(at + i), updates.Real(update + i)));
            else y.SetInteger(at + i, Combine(reduction, y.Integer(at + i), updates.Integer(update + i), isSigned));
        }
    }

    /// <summary>An index from data as a place inside an axis.</summary>
    public static long Place(RoutineCall call, long index, long dim)
    {
        if (index < -dim || index >= dim) throw call.Bad($"index {index} is outside an axis of {dim}");
        return index < 0 ? index + dim : index;
    }

    private static double Combine(long reduction, double a, double b) => reduction switch
    {
        1 => a + b,
        2 => a * b,
        3 => Math.Min(a, b),
        _ => Math.Max(a, b),
    };

    private static long Combine(long reduction, long a, long b, bool isSigned) => reduction switch
    {
        1 => unchecked(a + b),
        2 => unchecked(a * b),
        3 => isSigned ? Math.Min(a, b) : unchecked((long)Math.Min((ulong)a, (ulong)b)),
        _ => isSigned ? Math.Max(a, b) : unchecked((long)Math.Max((ulong)a, (ulong)b)),
    };
}
