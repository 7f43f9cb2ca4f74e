using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;
using Lathe.Runtime;

namespace Lathe.Kernels.Schedules;

/// <summary>
/// Schedules of one stage with a reduction: convolutions, products, pools and plain reductions. What matters is not the family but how the
/// tensors are walked: a vector over the output's fastest leaf with a register tile around it, a vector over the reduction where that is
/// what lies together, or plain loops.
/// </summary>
internal static class Reductions
{
    public static StageSchedule Schedule(Stage stage, Machine machine, Chooser choose) =>
        Tiled(stage, machine, choose, contiguous: true) ?? Partial(stage, machine) ?? Tiled(stage, machine, choose, contiguous: false) ?? Plain(stage);

    /// <summary>A vector over the output's fastest leaf, and a register tile of several vectors.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="choose">Takes one of the variant table.</param>
    /// <param name="contiguous">True if only neighbours in memory may be read.</param>
    /// <param name="parallel">True if the outermost leaves become the parallel axis.</param>
    /// <param name="apart">Axes that are no part of the tile and become the outermost leaves, behind a batch; null for none.</param>
    /// <returns>Null if there is no such vector.</returns>
    public static StageSchedule? Tiled(Stage stage, Machine machine, Chooser choose, bool contiguous, bool parallel = true, IReadOnlyList<Axis>? apart = null)
    {
        StageSchedule schedule = new(stage);
        IReadOnlyList<Leaf> pure = Leaves.FollowLayout(schedule);
        if (pure.Count == 0) return null;
        AccessAnalysis accesses = new(schedule);
        List<Leaf> set = [.. (apart ?? []).Select(a => schedule[a])];
        // A short leaf whose neighbours follow it everywhere is a part of a longer one.
        while (pure.Count > 1 && pure[^1] is { InnerOf: null, Extent: { IsConstant: true, Value: < PackedLayouts.Panel } } && !set.Contains(pure[^1]) && !set.Contains(pure[^2]) && accesses.CanCollapse(pure[^2], pure[^1]))
        {
            pure = [.. pure.SkipLast(2), schedule.Collapse(pure[^2], pure[^1])];
            accesses = new AccessAnalysis(schedule);
        }

        if (pure[^1].Parts.Count == 0)
        {
            pure = Leaves.SplitPanels(schedule, pure);
            accesses = new AccessAnalysis(schedule);
        }

        Leaf fast = pure[^1];

        // 1. The vector: a block of the layout, or 16 elements of the axis, with a masked rest.
        Leaf.SplitOf? block = fast.InnerOf;
        if (block is not null && block.Size % machine.Lanes != 0) return null;
        long vectorSize = block?.Size ?? VectorSize(fast.Extent, machine);
        if (!accesses.IsVectorisable(fast, vectorSize) || (contiguous && !accesses.IsContiguous(fast))) return null;
        int vectorsPerPanel = (int)(vectorSize / machine.Lanes);

        // 2. The rows: the fastest leaf that some vector is read again for.
        List<Leaf> others = [.. pure.Where(l => l != fast && l != block?.Outer && !set.Contains(l))];
        IndexExpr[] vectors = VectorsOf(accesses, fast);
        Leaf? row = others.LastOrDefault(l => IsLong(l) && vectors.Any(o => !o.DependsOn(l.Variable))) ?? others.LastOrDefault(IsLong);
        if (row is not null)
        {
            int at = others.IndexOf(row);
            while (at > 0 && accesses.CanCollapse(others[at - 1], row))
            {
                row = schedule.Collapse(others[at - 1], row);
                others.RemoveAt(at);
                others[--at] = row;
                accesses = new AccessAnalysis(schedule);
            }

            vectors = VectorsOf(accesses, fast);
        }

        // Vectors that are widened as they are read are kept for the taps of neighbouring rows, which read the same.
        bool isWidened = stage.Accumulators.SelectMany(a => ExprWalk.All(a.Update)).OfType<Cast>().Any(c => c.A is Access { Tensor.Element: not ElementType.Float32 });

        // 3. The size of the tile: several panels where they share rows, several rows where they share vectors.
        bool sharesVectors = row is not null && vectors.Any(o => !o.DependsOn(row.Variable));
        bool sharesRows = accesses.Updates.Any(o => !o.DependsOn(fast.Variable) && (block is null || !o.DependsOn(block.Outer.Variable)));
        IndexExpr rowExtent = row?.Extent ?? IndexExpr.One, panelExtent = block?.Outer.Extent ?? IndexExpr.CeilDiv(fast.Extent, vectorSize);
        bool sharesPanels = sharesRows && block is not { Tail: Tail.Mask };
        // A single row reads each panel once: one after the other they are one stream, and partial sums hide the latency of its products.
        bool isStream = rowExtent == IndexExpr.One && block is not null && sharesRows && stage.Accumulators.Items.All(a => Lowering.Combination.TryOf(a) is not null);
        if (isStream) sharesPanels = false;
        TileChoice tile = (TileChoice)choose(Candidates(Tiles.Candidates(machine, rowExtent, sharesPanels ? panelExtent : IndexExpr.One, vectorsPerPanel, sharesVectors, isAdjacent: block is null), vectorsPerPanel, sharesPanels));
        if (isWidened && row is not null && tile.Panels == 1 && KeptTaps() is var taps and > 0)
            tile = tile with { Rows = Tiles.Even(rowExtent, Math.Max(1, Math.Min(tile.Rows, (machine.Registers - (2 * taps)) / 2))) };
        List<Leaf> inTile = [];
        Leaf panelTiles, vector = fast;
        if (block is not null && tile.Panels == 1)
        {
            panelTiles = block.Outer;
        }
        else if (block is not null)
        {
            (panelTiles, Leaf panel) = schedule.Split(block.Outer, tile.Panels, Tail.Peel);
            inTile.Add(panel);
        }
        else if (tile.Panels == 1)
        {
            (panelTiles, vector) = schedule.Split(fast, vectorSize, Tail.Mask);
        }
        else
        {
            (panelTiles, Leaf wide) = schedule.Split(fast, tile.Panels * vectorSize, Tail.Peel);
            (Leaf panel, vector) = schedule.Split(wide, vectorSize, Tail.Mask);
            inTile.Add(panel);
        }

        schedule.Vectorise(vector);
        Leaf? rowTiles = null;
        if (row is not null && tile.Rows > 1)
        {
            (rowTiles, Leaf inner) = schedule.Split(row, tile.Rows, Tail.Peel);
            // The longer side is the outer one: what its elements share, the fewer, stays in registers.
            inTile.Insert(tile.Rows < tile.Panels * vectorsPerPanel ? inTile.Count : 0, inner);
            int at = others.IndexOf(row);
            others[at] = rowTiles;

            // A second dimension of rows where one axis does not fill the tile.
            long most = Tiles.MostRows(machine, tile.Panels * vectorsPerPanel);
            if (at > 0 && sharesVectors && rowExtent.IsConstant && rowExtent.Value * 2 <= most
                && vectors.Any(o => !o.DependsOn(others[at - 1].Variable)) && IsLong(others[at - 1]))
            {
                (others[at - 1], Leaf line) = schedule.Split(others[at - 1], Tiles.Even(others[at - 1].Extent, most / rowExtent.Value), Tail.Peel);
                inTile.Insert(0, line);
            }
        }

        // 4. The order: panels outside of rows, so that their weights stay near, or the other way round; the reduction; the tile; the vector.
        IReadOnlyList<Leaf> reduction = Leaves.SplitReduction(schedule);
        List<Leaf> outer = [.. others];
        int batch = outer.Count > 0 && !set.Contains(pure[0]) && outer[0] != rowTiles && outer[0] != row ? 1 : 0;
        outer.Insert(tile.RowsOutside ? outer.Count : Math.Min(batch, outer.Count), panelTiles);
        outer.InsertRange(Math.Min(batch, outer.Count), set);
        List<Leaf> unrolled = [], loops = [.. reduction];
        // Taps along the rows go outermost: side by side in one body the JIT would keep what they read in common, more than there are registers, and spill it.
        if (loops.Count > 1 && Repeats(loops[^1]) && !Repeats(loops[^2])) loops = [loops[^1], .. loops.SkipLast(1)];
        long work = inTile.Aggregate(1L, (n, l) => n * l.Extent.Value) * vectorsPerPanel;
        while (loops.Count > 0)
        {
            Leaf last = loops[^1];
            long room = Math.Max(1, tile.Unrolled / Math.Max(1, work));
            if (room < 2 || Overlaps(last)) break;
            if (isStream) room = Math.Min(room, StreamSums / vectorsPerPanel);
            if (last.Extent.IsConstant && last.Extent.Value <= Math.Min(room, MostWhole) && !isStream && last.InnerOf is not { Tail: Tail.Peel })
            {
                loops.Remove(last);
                unrolled.Insert(0, last);
                work *= last.Extent.Value;
                continue;
            }

            (Leaf steps, Leaf step) = schedule.Split(last, Tiles.Step(last.Extent, room), Tail.Peel);
            loops[^1] = steps;
            unrolled.Insert(0, step);
            if (isStream) schedule.Partial(step);
            break;
        }

        // The length of the fastest reduction leaf, if it steps along the rows and is short enough for what is read of it to stay in registers; 0 if not.
        long KeptTaps() => stage.Reduction.Length > 0 && schedule[stage.Reduction[^1]] is { Extent: { IsConstant: true, Value: > 1 and <= 5 } } leaf
            && vectors.Any(o => o.Coefficient(row!.Variable) is > 0 and var apart && o.Coefficient(leaf.Variable) is > 0 and var step && step % apart == 0) ? leaf.Extent.Value : 0;

        // The operand whose vectors all rows share, if it lies in panels.
        Tensor? Streamed() => stage.Accumulators.SelectMany(a => ExprWalk.All(a.Update)).OfType<Access>().Zip(accesses.Updates)
            .Where(a => a.Second.Coefficient(fast.Variable) == 1 && !a.Second.DependsOn(row!.Variable)).Select(a => a.First.Tensor)
            .FirstOrDefault(t => t.Layout.Levels[^1].Modulus == PackedLayouts.Panel && t.Length.IsConstant && t.Length.Value * sizeof(float) > StreamedBytes);

        // Taps of neighbouring rows read the same vectors. Side by side in one body the JIT keeps each of these in a register until its last reader, which
        // are more than there are: it spills them all. In a loop over the taps they are read again.
        bool Overlaps(Leaf leaf) => !isWidened && row is not null && leaf.Extent.IsConstant && vectors.Any(o => IsReadAgain(o, leaf));

        bool IsReadAgain(IndexExpr offset, Leaf leaf) =>
            offset.Coefficient(row!.Variable) is > 0 and var apart && offset.Coefficient((leaf.InnerOf?.Parent ?? leaf).Variable) is > 0 and var step
            && Enumerable.Range(1, (int)Math.Min(leaf.Extent.Value - 1, tile.Rows)).Any(k => step * k % apart == 0 && step * k / apart < tile.Rows);

        // True if steps of a leaf read again for one row, as scalars that become vectors, what another step reads for another row.
        bool Repeats(Leaf leaf) => row is not null && leaf.Extent.IsConstant && accesses.Updates.Except(vectors).Any(o => IsReadAgain(o, leaf));

        foreach (Leaf leaf in unrolled.Concat(inTile)) schedule.Unroll(leaf);
        schedule.Reorder([.. outer, .. loops, .. unrolled, .. inTile, vector]);
        if (loops.Count > 0 && sharesVectors && Streamed() is { } weights) schedule.Prefetch(loops[^1], weights.Name, PrefetchDistance);
        if (parallel) Leaves.Parallel(schedule, ParallelCount(outer, tile.RowsOutside ? panelTiles : rowTiles));
        return schedule;
    }

    /// <summary>A vector over the fastest reduction leaf: partial sums in the lanes of several vectors, combined at the end.</summary>
    public static StageSchedule? Partial(Stage stage, Machine machine, bool parallel = true)
    {
        StageSchedule schedule = new(stage);
        IReadOnlyList<Leaf> outer = Leaves.FollowLayout(schedule);
        List<Leaf> reduction = [.. Leaves.SplitReduction(schedule)];
        if (!Partial(schedule, reduction, machine)) return null;
        schedule.Reorder([.. outer, .. reduction]);
        if (parallel) Leaves.Parallel(schedule, outer.Count);
        return schedule;
    }

    /// <summary>Makes the fastest of reduction leaves a vector of partial running values.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="reduction">All reduction leaves; what they become, in order.</param>
    /// <param name="machine">The machine.</param>
    /// <returns>False if there are no vectors among them, or running values do not combine.</returns>
    public static bool Partial(StageSchedule schedule, List<Leaf> reduction, Machine machine)
    {
        Stage stage = schedule.Stage;
        if (stage.Reduction.Length == 0 || stage.Accumulators.Items.Any(a => Lowering.Combination.TryOf(a) is null)) return false;
        AccessAnalysis accesses = new(schedule);
        while (reduction.Count > 1 && accesses.CanCollapse(reduction[^2], reduction[^1]))
        {
            reduction[^2] = schedule.Collapse(reduction[^2], reduction[^1]);
            reduction.RemoveAt(reduction.Count - 1);
            accesses = new AccessAnalysis(schedule);
        }

        Leaf? fast = reduction.LastOrDefault(l => accesses.IsVectorisable(l, machine.Lanes) && accesses.Updates.All(o => o.Coefficient(l.Variable) is 0 or 1)
            && accesses.Updates.Any(o => o.Coefficient(l.Variable) == 1) && !(l.Extent.IsConstant && l.Extent.Value < 4) && l.InnerOf is null);
        if (fast is null) return false;
        reduction.Remove(fast);
        // Four vectors hide the latency of an addition.
        long vectors = fast.Extent.IsConstant ? Math.Clamp(fast.Extent.Value / machine.Lanes, 1, 4) : 4;
        (Leaf blocks, Leaf inBlock) = schedule.Split(fast, vectors * machine.Lanes, Tail.Peel);
        (Leaf parts, Leaf lanes) = schedule.Split(inBlock, machine.Lanes, Tail.Mask);
        schedule.Unroll(parts).Vectorise(lanes).Partial(parts).Partial(lanes);
        reduction.AddRange([blocks, parts, lanes]);
        return true;
    }

    /// <summary>Loops as they stand, for what has no vectors.</summary>
    public static StageSchedule Plain(Stage stage, bool parallel = true)
    {
        StageSchedule schedule = new(stage);
        IReadOnlyList<Leaf> pure = Leaves.FollowLayout(schedule);
        if (parallel) Leaves.Parallel(schedule, pure.Count == 0 ? 0 : Math.Max(1, pure.Count - 1));
        return schedule;
    }

    /// <summary>What is read at least so much of comes from far away, in steps that the hardware follows within a page only.</summary>
    private const long StreamedBytes = 96 << 10, PrefetchDistance = 1024;

    /// <summary>How many tiles a variant table takes, and how else the first of them is taken: other sizes of the body, and the other order.</summary>
    private const int MostTiles = 6;

    private static readonly long[] OtherUnrolled = [64, 128, 512];

    /// <summary>The variant table: the cost model's choice first.</summary>
    private static List<TileChoice> Candidates(IReadOnlyList<TileShape> shapes, int vectorsPerPanel, bool sharesPanels)
    {
        TileChoice[] tiles = [.. shapes.Take(MostTiles).Select(s => new TileChoice(s.Rows, s.Panels, vectorsPerPanel, Tiles.MostUnrolled, RowsOutside: false))];
        return
        [
            .. tiles,
            .. OtherUnrolled.Select(u => tiles[0] with { Unrolled = u }),
            // Tiles that share rows read them again for other panels: near or far apart.
            .. tiles.Take(sharesPanels ? 2 : 0).Select(t => t with { RowsOutside = true }),
        ];
    }

    /// <summary>The longest leaf that is unrolled as a whole: a row times 192 steps, unrolled, takes 39 us, in a loop 24.</summary>
    private const long MostWhole = 64;

    /// <summary>Partial sums of a single row: from the caches 115 GB/s where four panels side by side, with a sum each, read 84.</summary>
    private const int StreamSums = 8;

    private static bool IsLong(Leaf leaf) => !leaf.Extent.IsConstant || leaf.Extent.Value > 1;

    /// <summary>Panels of 16, which packed operands have; fewer vectors where the axis is shorter.</summary>
    private static long VectorSize(IndexExpr extent, Machine machine) => extent.IsConstant && extent.Value < PackedLayouts.Panel
        ? machine.Lanes * ((extent.Value + machine.Lanes - 1) / machine.Lanes)
        : PackedLayouts.Panel;

    private static IndexExpr[] VectorsOf(AccessAnalysis accesses, Leaf fast) => [.. accesses.Updates.Where(o => o.Coefficient(fast.Variable) != 0)];

    /// <summary>How many leaves the parallel axis has: a leaf that counts tiles stays a loop of its own, the innermost, where there are slices enough without it.</summary>
    private static int ParallelCount(List<Leaf> outer, Leaf? tiles)
    {
        if (outer.Count < 2 || tiles is null || outer[^1] != tiles) return outer.Count;
        IndexExpr without = IndexExpr.Product(outer.Take(outer.Count - 1).Select(l => l.Extent));
        return without.IsConstant && without.Value < 16 ? outer.Count : outer.Count - 1;
    }
}
