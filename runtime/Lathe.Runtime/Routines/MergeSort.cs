namespace Lathe.Runtime.Routines;

/// <summary>An order of items that are numbers.</summary>
internal interface IOrder
{
    /// <summary>Negative if a comes before b, positive if after, 0 where neither matters.</summary>
    int Compare(long a, long b);
}

/// <summary>Sorting without managed memory: merges runs of 1, 2, 4, … items. Stable.</summary>
internal static unsafe class MergeSort
{
    /// <summary>Sorts items.</summary>
    /// <param name="items">The items; afterwards in either order.</param>
    /// <param name="spare">Room for as many.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="order">Their order.</param>
    /// <returns>Where the sorted items lie: one of the two places.</returns>
    public static long* Run<TOrder>(long* items, long* spare, long count, TOrder order)
        where TOrder : struct, IOrder
    {
        for (long width = 1; width < count; width *= 2)
        {
            for (long begin = 0; begin < count; begin += 2 * width)
            {
                long left = begin, middle = Math.Min(begin + width, count), right = middle, end = Math.Min(begin + (2 * width), count);
                for (long to = begin; to < end; to++)
                {
                    bool takesLeft = left < middle && (right >= end || order.Compare(items[left], items[right]) <= 0);
                    spare[to] = takesLeft ? items[left++] : items[right++];
                }
            }

            long* sorted = spare;
            spare = items;
            items = sorted;
        }

        return items;
    }
}
