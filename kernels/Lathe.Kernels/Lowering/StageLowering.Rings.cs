using Lathe.Kernels.Loops;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Schedules;

namespace Lathe.Kernels.Lowering;

/// <content>Producers of which iterations of a parallel leaf share elements along one axis.</content>
internal sealed partial class StageLowering
{
    /// <summary>
    /// The producers in order, each what this iteration adds to its ring. The first iteration of a slice computes all that it reads, so that a slice
    /// needs no other; what lies outside of a producer is zero, as its halo would be.
    /// </summary>
    private Statement InRings(ProducerPlace place, int axis, Scope scope, Func<Scope, Statement> body)
    {
        if (scope.ValueOf(place.Leaf!)?.Variables.ToList() is not [var iteration]) throw new InvalidOperationException("Rings turn with a parallel leaf that is no part of another.");
        List<Func<IEnumerable<Statement>>> parts = [];
        List<(Stage Stage, Func<IndexVar, IndexExpr?> Axes, Dictionary<IndexVar, IndexExpr> Running)> consumers = [View(scope)];
        foreach (Stage producer in context.ProducersOf(_stage))
        {
            Region read = Regions.Of(producer, consumers, context) ?? throw new InvalidOperationException($"Stage '{producer.Name}' is read by none.");
            IndexExpr dim = producer.Output.Dims[axis], lo = read.Lo[axis], length = read.Extents[axis];
            IndexExpr step = lo.Substitute(v => v == iteration ? iteration + 1 : null) - lo;
            if (!length.IsConstant || !step.IsConstant) throw new InvalidOperationException($"Stage '{producer.Name}' is not read in steps.");
            IndexExpr[] Along(IndexExpr one, IEnumerable<IndexExpr> others) => [.. others.Select((other, d) => d == axis ? one : other)];

            // What the iteration before left is there, unless there was none.
            IndexExpr kept = IndexExpr.Min(Math.Max(0, length.Value - step.Value), ((IndexExpr)iteration - Kernel.From) * length);
            IndexExpr start = lo + kept, end = lo + length;
            IndexExpr first = IndexExpr.Min(IndexExpr.Max(start, 0), dim), count = IndexExpr.Max(IndexExpr.Min(end, dim) - first, 0);
            IndexExpr[] from = Along(first, producer.Output.Dims.Select(_ => IndexExpr.Zero)), extents = Along(count, producer.Output.Dims);
            Ring ring = Ring.Of(producer.Output, axis, length, context.Names.Unique(producer.Output.Name));
            context.Add(ring);
            Region region = new(from, extents, ring.Memory.Name, ring);
            context.Stage(producer.Output.Name, region);
            consumers = [Regions.View(producer, new Region(Along(lo, from), Along(length, extents), null))];

            StageSchedule chosen = place.Schedule(Part(producer, region)) ?? throw new InvalidOperationException($"Stage '{producer.Name}' has no schedule.");
            parts.Insert(0, () => [.. Zeros(ring, start, -start), .. Zeros(ring, IndexExpr.Max(start, dim), end - IndexExpr.Max(start, dim)), new StageLowering(context, chosen, from).Lower()]);
        }

        return Block.Of([.. parts.SelectMany(p => p()), body(scope)]);
    }

    /// <summary>Zeroes what lies before or after a producer: some indices along the axis of its ring, none where the count is negative.</summary>
    private IEnumerable<Statement> Zeros(Ring ring, IndexExpr start, IndexExpr count)
    {
        if (count.Range.Max <= 0) yield break;
        IndexVar index = Variable("z", count), slot = new(context.Names.Unique("slot"), 0, ring.Memory.Dims[ring.Axis].Value - 1);
        yield return new For(index, 0, IndexExpr.Max(count, 0), LoopKind.Serial, Block.Of([new LetIndex(slot, ring.Place(start + index)), HaloFill.Line(ring.Memory, ring.Axis, slot, context.Names)]));
    }
}
