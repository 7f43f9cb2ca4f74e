namespace Lathe.Runtime.Routines;

/// <summary>
/// A cache in which each sequence of a batch takes an update from an index on. Operands: the cache; the update; where each sequence begins (integers), if it
/// is given; y. Integers: the number of inputs; the axis of sequences; 1 if what reaches beyond the end goes on at the start.
/// </summary>
internal static class TensorScatter
{
    public static void Run(RoutineCall call)
    {
        int inputs = (int)call.Integers[0], axis = (int)call.Integers[1];
        RoutineTensor cache = call[0], update = call[1], y = call[inputs];
        bool hasIndices = inputs > 2 && call.Has(2), isCircular = call.Integers[2] != 0;
        for (int i = 0; i < cache.Dims.Length; i++)
            if (i == axis ? update.Dims[i] > cache.Dims[i] : update.Dims[i] != cache.Dims[i]) throw call.Bad($"axis {i} of its update has {update.Dims[i]} elements");
        if (hasIndices && call[2].Dims[0] != cache.Dims[0]) throw call.Bad("there is not one index for each sequence");

        RoutineElements.Copy(cache, 0, y, 0, cache.Count);
        long length = cache.Dims[axis], steps = update.Dims[axis], inner = cache.Extent(axis + 1, cache.Dims.Length), outer = cache.Extent(0, axis);
        long perSequence = cache.Extent(1, axis);
        for (long row = 0; row < outer && steps > 0; row++)
        {
            long begin = hasIndices ? call[2].Integer(row / perSequence) : 0;
            if (begin < 0 || begin > (isCircular ? length - 1 : length - steps)) throw call.Bad($"index {begin} is outside an axis of {length}");
            for (long i = 0; i < steps; i++) RoutineElements.Copy(update, ((row * steps) + i) * inner, y, ((row * length) + ((begin + i) % length)) * inner, inner);
        }
    }
}
