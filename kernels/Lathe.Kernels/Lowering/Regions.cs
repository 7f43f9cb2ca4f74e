using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Lowering;

/// <summary>Finds the part of a stage that others need.</summary>
internal static class Regions
{
    /// <summary>The region of a producer that consumers read, or null if they read nothing of it.</summary>
    public static Region? Of(
        Stage producer,
        IReadOnlyList<(Stage Stage, Func<IndexVar, IndexExpr?> Axes, Dictionary<IndexVar, IndexExpr> Running)> consumers,
        LoweringContext context)
    {
        IndexExpr[]? lo = null, hi = null;
        foreach ((Stage stage, Func<IndexVar, IndexExpr?> axes, Dictionary<IndexVar, IndexExpr> running) in consumers)
        {
            foreach (Access access in Accesses(stage, producer.Output))
            {
                bool isFirst = lo is null;
                lo ??= new IndexExpr[access.Indices.Length];
                hi ??= new IndexExpr[access.Indices.Length];
                for (int d = 0; d < access.Indices.Length; d++)
                {
                    // What cannot be bounded is computed whole.
                    (IndexExpr l, IndexExpr h) = IndexBounds.Of(access.Indices[d].Substitute(axes), running) ?? (IndexExpr.Zero, producer.Output.Dims[d] - 1);
                    (lo[d], hi[d]) = isFirst ? (l, h) : (IndexExpr.Min(lo[d], l), IndexExpr.Max(hi[d], h));
                }
            }
        }

        if (lo is null || hi is null) return null;
        IndexExpr[] extents = new IndexExpr[lo.Length];
        for (int d = 0; d < lo.Length; d++)
        {
            extents[d] = hi[d] - lo[d] + 1;
            if (extents[d].Variables.All(v => context.Computation.Dims.Items.Contains(v))) continue;
            (lo[d], extents[d]) = (IndexExpr.Zero, producer.Output.Dims[d]);
        }

        return new Region(lo, extents, context.IsOutput(producer.Output) ? null : context.Names.Unique(producer.Output.Name));
    }

    /// <summary>A producer as a consumer of earlier ones, over its region.</summary>
    public static (Stage Stage, Func<IndexVar, IndexExpr?> Axes, Dictionary<IndexVar, IndexExpr> Running) View(Stage stage, Region region)
    {
        Dictionary<IndexVar, IndexExpr> running = [];
        Dictionary<IndexVar, IndexExpr> axes = [];
        for (int d = 0; d < stage.Pure.Length; d++)
        {
            // Not the axis's own variable: a loop around may have its name.
            IndexVar inside = stage.Pure[d].Variable with { Name = "in " + stage.Pure[d].Variable.Name };
            running[inside] = region.Extents[d];
            axes[stage.Pure[d].Variable] = region.Lo[d] + inside;
        }

        foreach (Axis axis in stage.Reduction)
        {
            IndexVar inside = axis.Variable with { Name = "in " + axis.Variable.Name };
            running[inside] = axis.Extent;
            axes[axis.Variable] = inside;
        }

        return (stage, axes.GetValueOrDefault, running);
    }

    private static IEnumerable<Access> Accesses(Stage stage, Tensor tensor) =>
        stage.Accumulators.Items.SelectMany(a => new[] { a.Init, a.Update }).Append(stage.Result)
            .SelectMany(ExprWalk.All).OfType<Access>().Where(a => a.Tensor.Name == tensor.Name);
}
