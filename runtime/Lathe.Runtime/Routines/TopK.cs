namespace Lathe.Runtime.Routines;

/// <summary>
/// The k greatest or least elements along an axis, best first; of equal ones the one with the lower index, and a NaN counts as the greatest. Operands: x; the
/// elements; their indices (int64). Integers: the axis; 1 for the greatest, 0 for the least. Scratch: 16 bytes for each of k.
/// </summary>
/// <remarks>
/// A heap holds the best so far with the worst of them at its root, which every better element replaces; in the end it is emptied from the worst to the best.
/// </remarks>
internal static unsafe class TopK
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor x = call[0], values = call[1], indices = call[2];
        int axis = (int)call.Integers[0];
        long length = x.Dims[axis], k = values.Dims[axis], inner = x.Extent(axis + 1, x.Dims.Length), outer = x.Extent(0, axis);
        if (k > length) throw call.Bad($"it wants {k} of {length} elements");
        // For the least elements the order of keys is turned round.
        ulong turn = call.Integers[1] != 0 ? 0 : ulong.MaxValue;
        Heap heap = new((ulong*)call.Scratch, (long*)call.Scratch + k);
        for (long row = 0; row < outer * inner && k > 0; row++)
        {
            long from = (row / inner * length * inner) + (row % inner), to = (row / inner * k * inner) + (row % inner);
            for (long i = 0; i < k; i++) heap.Set(i, x.Key(from + (i * inner)) ^ turn, i);
            for (long i = (k / 2) - 1; i >= 0; i--) heap.Sink(i, k);
            for (long i = k; i < length; i++)
            {
                ulong key = x.Key(from + (i * inner)) ^ turn;
                // An equal one has a higher index, and so is the worse.
                if (key <= heap.Keys[0]) continue;
                heap.Set(0, key, i);
                heap.Sink(0, k);
            }

            for (long last = k - 1; last > 0; last--)
            {
                heap.Swap(0, last);
                heap.Sink(0, last);
            }

            for (long i = 0; i < k; i++)
            {
                indices.As<long>()[to + (i * inner)] = heap.Items[i];
                RoutineElements.Copy(x, from + (heap.Items[i] * inner), values, to + (i * inner), 1);
            }
        }
    }

    /// <summary>A heap of keys with their indices, the worst at the root.</summary>
    private readonly struct Heap(ulong* keys, long* items)
    {
        public ulong* Keys => keys;

        public long* Items => items;

        public void Set(long at, ulong key, long item) => (keys[at], items[at]) = (key, item);

        public void Swap(long a, long b)
        {
            (keys[a], keys[b]) = (keys[b], keys[a]);
            (items[a], items[b]) = (items[b], items[a]);
        }

        /// <summary>Moves an entry down to where none below it is worse.</summary>
        public void Sink(long at, long count)
        {
            while (true)
            {
                long worst = at, left = (2 * at) + 1;
                if (left < count && IsWorse(left, worst)) worst = left;
                if (left + 1 < count && IsWorse(left + 1, worst)) worst = left + 1;
                if (worst == at) return;
                Swap(at, worst);
                at = worst;
            }
        }

        private bool IsWorse(long a, long b) => keys[a] < keys[b] || (keys[a] == keys[b] && items[a] > items[b]);
    }
}
