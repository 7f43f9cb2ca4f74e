namespace Lathe.Runtime.Routines;

/// <summary>
/// The different elements of a tensor, or the different slices along an axis. Operands: x; the different ones, packed, with room for all; the index of the
/// first of each kind, for each of all the place of its kind, and how many are of each kind (int64, as long as there are elements or slices); the number of
/// kinds (int64 scalar). Integers: the axis, -1 for single elements; 1 if kinds are in ascending order, 0 for that of their first ones. Scratch: 8 bytes per
/// element and 24 per element or slice.
/// </summary>
/// <remarks>Slices are compared element by element. 0 and -0 are the same, as are all NaNs, which come last.</remarks>
internal static unsafe class Unique
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor x = call[0], values = call[1];
        long* first = call[2].As<long>(), place = call[3].As<long>(), counts = call[4].As<long>();
        int axis = (int)call.Integers[0];
        long total = x.Count, length = axis < 0 ? total : x.Dims[axis];
        long inner = axis < 0 ? 1 : x.Extent(axis + 1, x.Dims.Length), outer = axis < 0 ? 1 : x.Extent(0, axis);

        ulong* keys = (ulong*)call.Scratch;
        long* items = (long*)(keys + total), spare = items + length, kinds = spare + length;
        for (long i = 0; i < total; i++) keys[i] = x.Key(i);
        for (long i = 0; i < length; i++) items[i] = i;
        SliceOrder order = new(keys, length, inner, outer);
        long* sorted = MergeSort.Run(items, spare, length, order);

        // Equal ones are neighbours now, the first of each kind in front, as the sort is stable.
        long found = 0;
        for (long i = 0; i < length; i++)
        {
            if (i == 0 || order.Compare(sorted[i - 1], sorted[i]) != 0) kinds[found++] = sorted[i];
            place[sorted[i]] = found - 1;
        }

        if (call.Integers[1] == 0) ByFirst(kinds, found, place, length, items);
        for (long i = 0; i < found; i++) counts[i] = 0;
        for (long i = 0; i < length; i++) counts[place[i]]++;
        for (long i = 0; i < found; i++)
        {
            first[i] = kinds[i];
            for (long o = 0; o < outer; o++) RoutineElements.Copy(x, ((o * length) + kinds[i]) * inner, values, ((o * found) + i) * inner, inner);
        }

        *call[5].As<long>() = found;
    }

    /// <summary>Brings kinds into the order in which their first ones appear.</summary>
    private static void ByFirst(long* kinds, long found, long* place, long length, long* newPlace)
    {
        long next = 0;
        for (long i = 0; i < length; i++)
            if (kinds[place[i]] == i) newPlace[place[i]] = next++;
        for (long i = 0; i < length; i++) place[i] = newPlace[place[i]];
        long kind = 0;
        for (long i = 0; i < length && kind < found; i++)
            if (place[i] == kind) kinds[kind++] = i;
    }

    private readonly struct SliceOrder(ulong* keys, long length, long inner, long outer) : IOrder
    {
        public int Compare(long a, long b)
        {
            for (long o = 0; o < outer; o++)
            {
                ulong* left = keys + (((o * length) + a) * inner), right = keys + (((o * length) + b) * inner);
                for (long i = 0; i < inner; i++)
                    if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
            }

            return 0;
        }
    }
}
