using Lathe.Kernels.Loops;
using Lathe.Kernels.Passes;
using Lathe.Runtime;

namespace Lathe.Kernels.Lowering;

/// <summary>Zeroes the halo of an output: for every padded level the slab before and the slab after, inside the interior of the levels before it.</summary>
internal static class HaloFill
{
    public static Statement? Of(Tensor tensor, Names names)
    {
        List<Statement> slabs = [];
        for (int padded = 0; padded < tensor.Layout.Levels.Length; padded++)
        {
            LayoutLevel level = tensor.Layout.Levels[padded];
            if (level.PadLow == 0 && level.PadHigh == 0) continue;
            if (level.Divisor != 1 || level.Modulus != 0) throw new ArgumentException($"The layout {tensor.Layout} of '{tensor.Name}' has a halo on a split axis.", nameof(tensor));
            IndexExpr length = Layout.LevelLength(level, tensor.Dims);
            if (level.PadLow > 0) slabs.Add(Slab(tensor, padded, 0, level.PadLow, names));
            if (level.PadHigh > 0) slabs.Add(Slab(tensor, padded, length - level.PadHigh, length, names));
        }

        return slabs.Count == 0 ? null : Block.Of([new Note($"The halo of {tensor.Name} is zero."), .. slabs]);
    }

    /// <summary>Zeroes all elements, halo included, at one index of an axis that the layout holds in a level of its own.</summary>
    public static Statement Line(Tensor tensor, int axis, IndexExpr index, Names names) =>
        Slab(tensor, tensor.Layout.Levels.Items.ToList().FindIndex(l => l.Axis == axis), index, index + 1, names);

    private static Statement Slab(Tensor tensor, int padded, IndexExpr from, IndexExpr to, Names names)
    {
        int rank = tensor.Layout.Levels.Length;
        IndexVar[] variables = new IndexVar[rank];
        (IndexExpr Lo, IndexExpr Hi)[] bounds = new (IndexExpr, IndexExpr)[rank];
        IndexExpr offset = IndexExpr.Zero;
        for (int i = 0; i < rank; i++)
        {
            LayoutLevel level = tensor.Layout.Levels[i];
            IndexExpr length = Layout.LevelLength(level, tensor.Dims);
            bounds[i] = i == padded ? (from, to) : i < padded ? (level.PadLow, length - level.PadHigh) : (0, length);
            variables[i] = new IndexVar(names.Unique($"h{i}"), bounds[i].Lo.Range.Min, Math.Max(bounds[i].Lo.Range.Min, bounds[i].Hi.Range.Max - 1));
            offset = (offset * length) + variables[i];
        }

        Statement body = new Store(tensor.Name, offset, Const.Of(tensor.Element, 0));
        for (int i = rank - 1; i >= 0; i--)
        {
            // A last level that is a block of channels is a vector; the width of any machine divides it.
            bool isBlock = i == rank - 1 && tensor.Layout.Levels[i].Modulus % 16 == 0 && tensor.Layout.Levels[i].Modulus > 0 && tensor.Element == ElementType.Float32;
            body = new For(variables[i], bounds[i].Lo, bounds[i].Hi, isBlock ? LoopKind.Vector : LoopKind.Serial, body);
        }

        return body;
    }
}
