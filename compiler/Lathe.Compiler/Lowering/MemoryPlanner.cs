using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Lowering;

/// <summary>A piece of a request's memory on a device and the steps between which it is in use.</summary>
public sealed class Storage(IndexExpr bytes)
{
    /// <summary>Its size.</summary>
    public IndexExpr Bytes { get; set; } = bytes;

    /// <summary>Whose memory it is a piece of: 0 for the host's, k for that of the k-th accelerator.</summary>
    public int Device { get; init; }

    /// <summary>The first step that writes it.</summary>
    public int First { get; set; } = int.MaxValue;

    /// <summary>The last step that reads or writes it.</summary>
    public int Last { get; set; } = -1;

    /// <summary>Where the planner put it, in bytes from the arena's start.</summary>
    public IndexExpr Offset { get; set; } = IndexExpr.Zero;

    /// <summary>Notes a use at a step.</summary>
    public void UsedAt(int step)
    {
        First = Math.Min(First, step);
        Last = Math.Max(Last, step);
    }
}

/// <summary>
/// Places storages in an arena so that those in use at the same time do not overlap. Sizes that are constant multiples of one product of dims
/// form a family, which is placed as if that product were 1 and scaled: so memory is reused whatever the dims are. Within a family each is placed at the lowest offset
/// that is free for as long as it lives, in several orders, of which the best is kept (greedy by size, by breadth and others; Pisarchyk and Lee, "Efficient Memory Management for Deep
/// Neural Net Inference", 2020).
/// </summary>
public static class MemoryPlanner
{
    private const long Alignment = Runtime.Plans.Plan.Alignment;

    /// <summary>The most storages for which other orders than by size are tried: each takes time with the square of their number.</summary>
    private const int MostReordered = 2000;

    /// <summary>Sets every storage's offset.</summary>
    /// <param name="storages">The storages.</param>
    /// <param name="computed">
    /// The number of the step that computes a symbol, 0 for one that is given. What depends on a later one lies behind what does not, so that nothing moves
    /// when it becomes known.
    /// </param>
    /// <returns>The size of the arena, without what depends on computed symbols.</returns>
    public static IndexExpr Place(IReadOnlyList<Storage> storages, Func<IndexVar, int>? computed = null)
    {
        IndexExpr arena = IndexExpr.Zero, known = IndexExpr.Zero;
        foreach (IGrouping<string, (Storage Storage, long Factor, IndexExpr Unit)> family in storages
                     .Select(s => Family(s))
                     .GroupBy(f => f.Unit.ToString(), StringComparer.Ordinal)
                     .OrderBy(g => Rank(g.First().Unit)).ThenBy(g => g.Key, StringComparer.Ordinal))
        {
            IndexExpr unit = family.First().Unit;
            (Storage Storage, long Size)[] all = [.. family.Select(f => (f.Storage, f.Factor))];
            List<(Storage Storage, long Start, long Size)> placed = Orders(all).Select(Greedy).MinBy(Height)!;
            foreach ((Storage storage, long start, _) in placed) storage.Offset = arena + (unit * start);
            arena += unit * Height(placed);
            if (Rank(unit) == 0) known = arena;
        }

        return known;

        int Rank(IndexExpr unit) => computed is null ? 0 : unit.Variables.Select(computed).DefaultIfEmpty(0).Max();
    }

    /// <summary>Orders to place storages in, of which none is best for all models.</summary>
    private static IEnumerable<IEnumerable<(Storage Storage, long Size)>> Orders((Storage Storage, long Size)[] all)
    {
        yield return all.OrderByDescending(s => s.Size).ThenBy(s => s.Storage.First);
        if (all.Length > MostReordered) yield break;
        yield return all.OrderByDescending(s => s.Storage.Last - s.Storage.First).ThenByDescending(s => s.Size);
        yield return all.OrderByDescending(s => (double)s.Size * (s.Storage.Last - s.Storage.First + 1)).ThenBy(s => s.Storage.First);
        yield return all.OrderBy(s => s.Storage.First).ThenByDescending(s => s.Size);
        // Those of the fullest step first.
        Dictionary<int, long> full = all.Select(s => s.Storage.First).Distinct()
            .ToDictionary(step => step, step => all.Where(s => s.Storage.First <= step && step <= s.Storage.Last).Sum(s => s.Size));
        yield return all.OrderByDescending(s => full.Where(f => s.Storage.First <= f.Key && f.Key <= s.Storage.Last).Select(f => f.Value).DefaultIfEmpty().Max()).ThenByDescending(s => s.Size);
    }

    /// <summary>Each storage at the lowest offset that is free for as long as it lives.</summary>
    private static List<(Storage Storage, long Start, long Size)> Greedy(IEnumerable<(Storage Storage, long Size)> order)
    {
        List<(Storage Storage, long Start, long Size)> placed = [];
        foreach ((Storage storage, long size) in order)
        {
            long start = 0;
            foreach ((_, long otherStart, long otherSize) in placed
                         .Where(p => p.Storage.First <= storage.Last && storage.First <= p.Storage.Last)
                         .OrderBy(p => p.Start))
            {
                if (start + size <= otherStart) break;
                start = Math.Max(start, otherStart + otherSize);
            }

            placed.Add((storage, start, size));
        }

        return placed;
    }

    private static long Height(List<(Storage Storage, long Start, long Size)> placed) => placed.Max(p => p.Start + p.Size);

    /// <summary>The largest sum of sizes in use at one step: no plan can do with less.</summary>
    /// <param name="storages">The storages.</param>
    /// <param name="size">The value of a size.</param>
    public static long LowerBound(IReadOnlyList<Storage> storages, Func<IndexExpr, long> size)
    {
        if (storages.Count == 0) return 0;
        long bound = 0;
        foreach (int step in storages.Select(s => s.First).Distinct())
            bound = Math.Max(bound, storages.Where(s => s.First <= step && step <= s.Last).Sum(s => size(s.Bytes)));
        return bound;
    }

    private static (Storage Storage, long Factor, IndexExpr Unit) Family(Storage storage)
    {
        IndexExpr bytes = storage.Bytes;
        if (bytes.IsConstant) return (storage, Up(bytes.Value), IndexExpr.One);
        if (bytes.Terms is [{ Coefficient: > 0 } only])
            return (storage, Up(only.Coefficient), IndexExpr.FromTerms([only with { Coefficient = 1 }]));
        return (storage, Alignment, IndexExpr.CeilDiv(bytes, Alignment));
    }

    private static long Up(long bytes) => Math.Max(Alignment, checked(bytes + Alignment - 1) / Alignment * Alignment);
}
