using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Schedules;

/// <summary>A register tile: rows by panels of vectors.</summary>
internal readonly record struct TileShape(long Rows, long Panels);

/// <summary>The register tiles, best first, and the candidates for a shape.</summary>
internal static class Tiles
{
    /// <summary>Multiply-adds of an unrolled body: beyond it the JIT's register allocation gives up.</summary>
    public const long MostUnrolled = 256;

    /// <param name="Isa">Where it fits.</param>
    /// <param name="Rows">Its rows.</param>
    /// <param name="Vectors">The vectors of each.</param>
    /// <param name="OfFewRows">
    /// True for one that is only for no more rows than it has, where vectors follow one another in memory: it reads as many of them as it can for
    /// each row. Panels far apart would meet in the same sets of the cache.
    /// </param>
    private sealed record Row(Isa Isa, long Rows, long Vectors, bool OfFewRows = false);

    private static readonly Row[] Rows =
    [
        new(Isa.Avx512, 2, 14, OfFewRows: true),
        new(Isa.Avx512, 3, 9, OfFewRows: true),
        new(Isa.Avx2, 2, 6, OfFewRows: true),
        new(Isa.Avx512, 14, 2),
        new(Isa.Avx512, 28, 1),
        new(Isa.Avx512, 9, 3),
        new(Isa.Avx512, 6, 4),
        // 7x4: 33 registers; 81 % of peak, measured.
        new(Isa.Avx2, 6, 2),
        new(Isa.Avx2, 14, 1),
        new(Isa.Avx2, 3, 4),
        new(Isa.Vector128, 3, 4),
        new(Isa.Vector128, 6, 2),
        new(Isa.Vector128, 12, 1),
        new(Isa.Vector128, 1, 8),
    ];

    /// <summary>The most rows that a number of vectors leaves registers for.</summary>
    public static long MostRows(Machine machine, long vectors) =>
        Rows.Where(r => r.Isa == machine.Isa && r.Vectors == vectors).Select(r => r.Rows).FirstOrDefault(Math.Max(1, (machine.Registers - 4) / Math.Max(1, vectors) - 1));

    /// <summary>The tiles for a number of rows and panels, best first by <see cref="CostModel"/>: those of the table and those of half their rows.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="rows">How many rows there are.</param>
    /// <param name="panels">How many panels.</param>
    /// <param name="vectorsPerPanel">The vectors of a panel.</param>
    /// <param name="sharesVectors">True if rows read the same vectors.</param>
    /// <param name="isAdjacent">True if panels follow one another in memory.</param>
    public static IReadOnlyList<TileShape> Candidates(Machine machine, IndexExpr rows, IndexExpr panels, int vectorsPerPanel, bool sharesVectors, bool isAdjacent)
    {
        long allRows = rows.IsConstant ? rows.Value : long.MaxValue, allPanels = panels.IsConstant ? panels.Value : 1024;
        List<(TileShape Shape, double Cycles)> tiles = [], halves = [];
        foreach (Row row in Rows.Where(r => r.Isa == machine.Isa))
        {
            if ((row.OfFewRows && (allRows > row.Rows || !isAdjacent)) || row.Vectors % vectorsPerPanel != 0 || row.Vectors / vectorsPerPanel > allPanels) continue;
            Add(tiles, row.Rows, row.Vectors / vectorsPerPanel);
            if (row is { Rows: > 1, OfFewRows: false }) Add(halves, row.Rows / 2, row.Vectors / vectorsPerPanel);
        }

        if (tiles.Count == 0) return [new TileShape(Math.Min(allRows, 4), 1)];
        // Of equals the first of the table.
        TileShape best = tiles.Aggregate((b, t) => t.Cycles < b.Cycles * 0.999 ? t : b).Shape;
        return [.. tiles.Concat(halves).OrderBy(t => t.Cycles).Select(t => t.Shape).Prepend(best).Distinct()];

        void Add(List<(TileShape, double)> to, long most, long tilePanels)
        {
            long vectors = tilePanels * vectorsPerPanel, tileRows = allRows == long.MaxValue ? most : Even(allRows, most);
            if (!sharesVectors && tileRows * vectors > machine.Registers / 2) tileRows = Math.Max(1, machine.Registers / 2 / vectors);
            TileShape shape = new(tileRows, tilePanels);
            to.Add((shape, CostModel.Cycles(machine, shape, allRows == long.MaxValue ? 1000 * tileRows : allRows, allPanels, vectorsPerPanel)));
        }
    }

    /// <summary>The largest tile of at most a size that divides an extent into parts as equal as possible.</summary>
    public static long Even(IndexExpr extent, long most) => extent.IsConstant ? Even(extent.Value, most) : most;

    /// <summary>How far a reduction is unrolled.</summary>
    public static long Step(IndexExpr extent, long most)
    {
        if (most >= 8) most = 8;
        if (!extent.IsConstant) return most;
        for (long step = Math.Min(most, extent.Value); step > 1; step--)
            if (extent.Value % step == 0 && step * 2 > most) return step;
        return Math.Max(1, Math.Min(most, extent.Value));
    }

    private static long Even(long extent, long most)
    {
        if (extent <= most) return Math.Max(1, extent);
        // A divisor close to the most leaves no rest at all.
        for (long size = most; size * 4 >= most * 3; size--)
            if (extent % size == 0) return size;
        long tiles = (extent + most - 1) / most;
        return (extent + tiles - 1) / tiles;
    }
}
