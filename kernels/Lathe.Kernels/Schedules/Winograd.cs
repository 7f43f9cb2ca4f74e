using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Schedules;

/// <summary>
/// Schedules of convolutions by Winograd's algorithm (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016). Strips of tiles are
/// transformed into scratch memory that stays in the second-level cache; for each group of output panels as many products as a tile has
/// elements follow, and each tile's are transformed back while they are near. The one-dimensional transforms keep a column of a tile in registers.
/// </summary>
internal static class Winograd
{
    /// <summary>What the transformed input of a strip may take: half of a second-level cache.</summary>
    private const long StripBytes = 640 << 10;

    /// <summary>Tiles of a strip: fewer read the weights too often, more gain nothing.</summary>
    private const long LeastTiles = 6, MostTiles = 28;

    /// <summary>What an image may take that stays in the second-level cache, and how many tiles ahead a larger one is asked for: 1 gains less, 4 no more (measured).</summary>
    private const long CachedImage = 512 << 10, TilesAhead = 2;

    public static StageSchedule Schedule(Computation computation, Machine machine, Chooser choose)
    {
        if (computation.Stages.Items is not [var columns, var input, var product, var back, var last])
            throw new ArgumentException($"'{computation.Name}' has not the stages of Winograd's algorithm.", nameof(computation));
        StageSchedule schedule = new(last);
        (Axis n, Axis o, Axis h, Axis w) = (last.Pure[0], last.Pure[1], last.Pure[2], last.Pure[3]);
        long size = back.Pure[3].Extent.Value, reads = back.Pure[4].Extent.Value;
        long high = IndexExpr.CeilDiv(h.Extent, size).Value, wide = IndexExpr.CeilDiv(w.Extent, size).Value;
        bool isPadded = AccessAnalysis.IsPadded(last, o, PackedLayouts.Panel, scratch: back.Output.Name);
        StripChoice strip = (StripChoice)choose(Candidates(
            machine, high, wide, reads * reads * product.Reduction[0].Extent.Value * sizeof(float), isPadded ? IndexExpr.CeilDiv(o.Extent, PackedLayouts.Panel).Value : 1));
        (long rows, long across) = (strip.Down, strip.Across);
        (Leaf panels, Leaf lanes) = schedule.Split(schedule[o], PackedLayouts.Panel, isPadded ? Tail.Pad : Tail.Mask);
        // An incomplete panel under a mask is told apart by the leaf that counts panels.
        Leaf groups = panels;
        List<Leaf> panel = [];
        if (isPadded)
        {
            (groups, Leaf inGroup) = schedule.Split(panels, strip.Panels, Tail.Peel);
            panel.Add(inGroup);
        }

        (Leaf strips, Leaf inStrip) = schedule.Split(schedule[h], rows * size, Tail.Peel);
        (Leaf tileRows, Leaf y) = schedule.Split(inStrip, size, Tail.Peel);
        List<Leaf> outer = [schedule[n], strips];
        // Of a single strip each half of the filters is a part for another thread, though both transform the input.
        if (rows == high && across == wide && isPadded && groups.Extent.Value > 1)
        {
            (Leaf halves, groups) = schedule.Split(groups, (groups.Extent.Value + 1) / 2, Tail.Peel);
            outer.Add(halves);
        }

        Leaf line = schedule[w];
        if (across < wide)
        {
            (Leaf parts, line) = schedule.Split(line, across * size, Tail.Peel);
            outer.Add(parts);
        }

        (Leaf tiles, Leaf x) = schedule.Split(line, size, Tail.Peel);
        Leaf taps = schedule[last.Reduction[0]];
        schedule.Unroll(y).Unroll(taps).Unroll(x);
        // What follows the convolution may have no vectors: then one channel after the other.
        bool hasVectors = new AccessAnalysis(schedule).IsVectorisable(lanes, PackedLayouts.Panel);
        schedule.Reorder([.. outer, groups, .. panel, tileRows, tiles, .. hasVectors ? Narrow(schedule, lanes, machine, y, taps, x) : [lanes, y, taps, x]]);
        Leaf all = schedule.Fuse([.. outer]);
        return schedule.Parallel(all)
            .ComputeProducersAt(all, s => s.Name == input.Name ? Rows(s, machine, columns.Name) : null)
            .ComputeProducersAt(groups, s => s.Name == product.Name ? Reductions.Tiled(s, machine, Choice.First, contiguous: true, parallel: false)! : null)
            .ComputeProducersAt(tiles, s => s.Name == back.Name ? Columns(s, machine) : null);
    }

    /// <summary>The variant table: what the cache holds with panels as they divide the filters, then other strips, then other panels.</summary>
    private static IReadOnlyList<StripChoice> Candidates(Machine machine, long high, long wide, long bytesPerTile, long panels)
    {
        long most = Math.Clamp(StripBytes / bytesPerTile, LeastTiles, MostTiles);
        StripChoice[] strips = [.. ((long[])[most, most / 2, most * 3 / 2, most * 2]).Select(tiles => Strip(high, wide, Math.Max(1, tiles), 1))];
        // A register tile of one panel that has about all rows of a strip reads weights once; smaller ones rather read rows once for several panels.
        long rows = strips[0].Down * strips[0].Across, oneTile = Tiles.MostRows(machine, PackedLayouts.Panel / machine.Lanes);
        long together = rows <= oneTile && rows * 4 >= oneTile * 3 ? 1 : PanelsTogether(panels);
        strips = [.. strips.Select(s => s with { Panels = together })];
        // A rest of panels in one half of the filters would be a rest of a rest.
        return [.. strips, .. ((long[])[1, 2, 3, 4]).Where(p => panels % p == 0).Select(p => strips[0] with { Panels = p })];
    }

    /// <summary>At most so many tiles, down and across, that are transformed together.</summary>
    private static StripChoice Strip(long high, long wide, long most, long panels) =>
        wide > most ? new(1, Tiles.Even(wide, most), panels) : new(Tiles.Even(high, Math.Max(1, most / wide)), wide, panels);

    private static long PanelsTogether(long panels) => panels % 2 == 0 ? 2 : panels % 3 == 0 ? 3 : 1;

    /// <summary>The transform of each column of a tile; axes [n, th, tw, row, column, channel], of which the reduction reads rows.</summary>
    private static StageSchedule Columns(Stage stage, Machine machine) => Transform(stage, machine, tiles: [0, 1, 2], lines: 4, elements: 3).Schedule;

    /// <summary>The transform of each row of a tile, its columns transformed before it; axes [row, column, n, th, tw, channel].</summary>
    private static StageSchedule Rows(Stage stage, Machine machine, string columns)
    {
        (StageSchedule schedule, Leaf blocks) = Transform(stage, machine, tiles: [2, 3, 4], lines: 0, elements: 1);
        return schedule.ComputeProducersAt(blocks, s => s.Name == columns ? FromAfar(Columns(s, machine)) : null);
    }

    /// <summary>Asks for the image of tiles to come: from tile to tile the rows of all blocks of channels are as many streams, too many and too short for the hardware to follow.</summary>
    private static StageSchedule FromAfar(StageSchedule columns)
    {
        AccessAnalysis accesses = new(columns);
        Axis tile = columns.Stage.Pure[2];
        (Tensor image, IndexExpr offset) = columns.Stage.Accumulators.SelectMany(a => ExprWalk.All(a.Update)).OfType<Access>().Select(a => a.Tensor).Zip(accesses.Updates)
            .First(a => a.Second.DependsOn(tile.Variable));
        if (image.Length is not { IsConstant: true } || image.Length.Value * sizeof(float) <= CachedImage || offset.Coefficient(tile.Variable) is not { } step) return columns;
        return columns.Prefetch(columns[columns.Stage.Pure[4]], image.Name, TilesAhead * step);
    }

    /// <summary>A one-dimensional transform: line by line of a tile, the elements of a line in registers, a block of channels after the other. Axes are given by their places.</summary>
    private static (StageSchedule Schedule, Leaf Blocks) Transform(Stage stage, Machine machine, int[] tiles, int lines, int elements)
    {
        StageSchedule schedule = new(stage);
        Leaf line = schedule[stage.Pure[lines]], element = schedule[stage.Pure[elements]], channels = schedule[stage.Pure[^1]], taps = schedule[stage.Reduction[0]];
        (Leaf blocks, Leaf lanes) = schedule.Split(channels, PackedLayouts.Panel, channels.Extent % PackedLayouts.Panel == IndexExpr.Zero ? Tail.Pad : Tail.Mask);
        schedule.Unroll(taps).Unroll(element);
        schedule.Reorder([.. tiles.Select(t => schedule[stage.Pure[t]]), blocks, .. Narrow(schedule, lanes, machine, line, taps, element)]);
        return (schedule, blocks);
    }

    /// <summary>Makes the channels of a block vectors of the machine, those of a block one after the other: the registers are for one.</summary>
    private static IEnumerable<Leaf> Narrow(StageSchedule schedule, Leaf lanes, Machine machine, params Leaf[] tile)
    {
        if (machine.Lanes == PackedLayouts.Panel)
        {
            schedule.Vectorise(lanes);
            return [.. tile, lanes];
        }

        (Leaf parts, Leaf vector) = schedule.Split(lanes, machine.Lanes, lanes.InnerOf!.Tail == Tail.Mask ? Tail.Mask : Tail.Pad);
        schedule.Vectorise(vector);
        return [parts, .. tile, vector];
    }
}
