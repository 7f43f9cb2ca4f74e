using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Schedules;

/// <summary>What a schedule takes by a machine's description, in cycles: good for an order among candidates, not for a time.</summary>
internal static class CostModel
{
    /// <summary>One step of the reduction for all rows and panels, the rest of each included.</summary>
    public static double Cycles(Machine machine, TileShape tile, long rows, long panels, int vectorsPerPanel)
    {
        double cycles = 0;
        foreach ((long rowTiles, long tileRows) in Parts(rows, tile.Rows))
            foreach ((long panelTiles, long tilePanels) in Parts(panels, tile.Panels))
                cycles += rowTiles * panelTiles * Step(machine, tileRows, tilePanels * vectorsPerPanel);
        return cycles;
    }

    /// <summary>One step of a tile: its multiply-adds, the loads of rows and vectors, and a latency to hide.</summary>
    private static double Step(Machine machine, long rows, long vectors) => Math.Max(
        machine.FmaLatency,
        Math.Max((double)rows * vectors / machine.FmasPerCycle, (double)(rows + vectors) / machine.LoadsPerCycle));

    private static IEnumerable<(long Count, long Size)> Parts(long extent, long size)
    {
        if (extent / size > 0) yield return (extent / size, size);
        if (extent % size > 0) yield return (1, extent % size);
    }
}
