using System.Collections.Immutable;
using System.Numerics;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Schedules;

namespace Lathe.Kernels.Lowering;

/// <summary>Lowers one stage by its schedule.</summary>
/// <param name="context">What the stages share.</param>
/// <param name="schedule">The stage's schedule.</param>
/// <param name="lo">Where the region to compute starts, for every pure axis; empty for the whole output.</param>
/// <param name="beyond">True if the region may reach beyond the output, because the tile that it serves does.</param>
internal sealed partial class StageLowering(LoweringContext context, StageSchedule schedule, IReadOnlyList<IndexExpr> lo, bool beyond = false)
{
    private readonly Stage _stage = schedule.Stage;

    public Statement Lower()
    {
        ImmutableArray<Leaf> order = [.. schedule.Order];
        // A reduction over no axis has a tile too.
        bool isEmpty = _stage.Accumulators.Length > 0 && _stage.Reduction.Length == 0;
        int first = order.TakeWhile(l => !l.IsReduction && !(isEmpty && l.Kind is (LoopKind.Vector or LoopKind.Unroll))).Count();
        ImmutableArray<Leaf> outer = order[..first], inner = order[first..];
        Statement Nest(Scope scope) => Emit(outer, 0, scope, s => _stage.Accumulators.Length == 0 ? Result(s, null) : Tile(inner, s));
        // Without a leaf to compute them at, producers come before all.
        Statement nest = schedule.Producers.FirstOrDefault(p => p.Leaf is null) is { } before ? Producers(before, Scope.Empty, Nest) : Nest(Scope.Empty);
        return Block.Of([new Note(Summary.Of(_stage)), nest]);
    }

    private Statement Result(Scope scope, Func<int, Expr>? running)
    {
        IndexExpr[] indices = [.. _stage.Pure.Items.Select((a, d) => AxisValue(d, scope))];
        (string buffer, IndexExpr offset) = context.Place(_stage.Output, indices);
        Statement store = new Store(buffer, Resolve(offset, scope), ExpressionOf(_stage.Result, scope, running));
        return _stage.Accumulators.Length == 0 ? Guarded(scope, store) : store;
    }

    // ── Loops ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    private Statement Emit(ImmutableArray<Leaf> leaves, int at, Scope scope, Func<Scope, Statement> body)
    {
        if (at == leaves.Length) return body(scope);
        Leaf leaf = leaves[at];
        Statement Next(Scope s) => schedule.Producers.FirstOrDefault(p => p.Leaf == leaf) is { } place
            ? Producers(place, s, inner => Emit(leaves, at + 1, inner, body))
            : schedule.Ahead?.Leaf == leaf ? Block.Of([.. Prefetches(s), Emit(leaves, at + 1, s, body)])
            : Emit(leaves, at + 1, s, body);

        // A parallel or fused leaf runs over the rest, too: its iteration decides which tile it computes.
        if (leaf.Kind == LoopKind.Parallel || leaf.Parts.Count > 1)
        {
            IndexVar whole = Variable(leaf.Name, Extent(leaf, scope));
            return new For(whole, 0, Extent(leaf, scope), leaf.Kind, Digits(leaf, whole, scope, Next));
        }

        if (leaf.OuterOf?.Parent is { Cuts.Count: > 0 } cut && scope.SizeOf(cut) is null)
        {
            long[] starts = [0, .. cut.Cuts], ends = [.. cut.Cuts, cut.Extent.Value];
            return Block.Of([.. starts.Zip(ends, (start, end) => Emit(leaves, at, scope.Shift(cut, start).Resize(cut, end - start), body))]);
        }

        if (leaf.OuterOf is { Tail: Tail.Peel or Tail.Mask } split)
        {
            IndexExpr parent = Extent(split.Parent, scope), full = parent / split.Size, rest = parent % split.Size;
            List<Statement> parts = [];
            if (!(full.IsConstant && full.Value == 0))
            {
                IndexVar tile = Variable(leaf.Name, full);
                parts.Add(new For(tile, 0, full, KindOf(leaf), Next(scope.Bind(leaf, tile))));
            }

            if (!(rest.IsConstant && rest.Value == 0)) parts.Add(Rest(split, full, rest, scope, Next));
            return Block.Of(parts);
        }

        IndexExpr extent = Extent(leaf, scope);
        IndexVar variable = Variable(leaf.Name, extent);
        return new For(variable, 0, extent, KindOf(leaf), Next(scope.Bind(leaf, variable)));
    }

    /// <summary>
    /// One for each vector of a tensor that the leaves inside of the one that asks read. None where few rows read each: then loads are what takes time, and asking costs as
    /// much as loading (1x4 vectors from the second-level cache: 50 in place of 82 GB/s, measured).
    /// </summary>
    private IEnumerable<Statement> Prefetches(Scope scope)
    {
        const int LeastRows = 4;
        List<IndexExpr> reads = [];
        Leaf[] leaves = [.. schedule.Order.SkipWhile(l => l != schedule.Ahead!.Value.Leaf).Skip(1)];
        Visit(0, scope);
        List<IndexExpr> places = [.. reads.Distinct()];
        return reads.Count < LeastRows * places.Count ? [] : places.Select(p => new Prefetch(schedule.Ahead!.Value.Tensor, p + schedule.Ahead.Value.Distance));

        void Visit(int at, Scope s)
        {
            if (at < leaves.Length)
            {
                long extent = leaves[at].Kind == LoopKind.Vector ? 1 : Extent(leaves[at], s).Value;
                for (long i = 0; i < extent; i++) Visit(at + 1, s.Bind(leaves[at], i));
                return;
            }

            foreach (Access access in _stage.Accumulators.SelectMany(a => ExprWalk.All(a.Update)).OfType<Access>().Where(a => a.Tensor.Name == schedule.Ahead!.Value.Tensor))
                reads.Add(Resolve(access.Tensor.Offset([.. access.Indices.Select(i => i.Substitute(v => AxisOf(v, s)))]), s));
        }
    }

    /// <summary>The last, incomplete tile of a split.</summary>
    private Statement Rest(Leaf.SplitOf split, IndexExpr full, IndexExpr rest, Scope scope, Func<Scope, Statement> next)
    {
        if (split.Tail == Tail.Mask)
        {
            Scope masked = scope.Bind(split.Outer, full).Guard(split.Inner, rest);
            return rest.IsConstant ? next(masked) : new If(Less(IndexExpr.Zero, rest), next(masked));
        }

        if (rest.IsConstant) return next(scope.Bind(split.Outer, full).Resize(split.Inner, rest));

        // A rest of unknown size goes by whole vectors where the tile consists of them, otherwise by smaller and smaller tiles, so that what rows share is read less often.
        Leaf.SplitOf? vectors = split.Inner.Split is { Tail: Tail.Mask } tile ? tile : null;
        long step = vectors?.Size ?? (split.Inner.Kind == LoopKind.Unroll ? 1L << BitOperations.Log2((ulong)Math.Max(1, split.Size / 2)) : 1);
        IndexVar part = Variable(split.Outer.Name, rest / step);
        Scope after = scope.Bind(split.Outer, full);
        Statement parts = new For(part, 0, rest / step, LoopKind.Serial, next(after.Shift(split.Parent, part * (IndexExpr)step).Resize(split.Inner, step)));
        if (vectors is null)
        {
            List<Statement> smaller = [parts];
            IndexExpr left = rest % step;
            for (long size = step / 2; size > 0; size /= 2)
            {
                smaller.Add(new If(Less(IndexExpr.Zero, left / size), next(after.Shift(split.Parent, rest - left).Resize(split.Inner, size))));
                left %= size;
            }

            return Block.Of(smaller);
        }

        IndexExpr last = rest % step;
        // Not empty and less than a vector: one vector, which the range of its size does not say.
        Scope one = after.Shift(split.Parent, rest - last).Resize(split.Inner, last).Resize(vectors.Outer, IndexExpr.One);
        return Block.Of([parts, new If(Less(IndexExpr.Zero, last), next(one))]);
    }

    /// <summary>Names the digits of a fused leaf and decides for each that counts tiles whether this is the incomplete one.</summary>
    private Statement Digits(Leaf leaf, IndexVar whole, Scope scope, Func<Scope, Statement> next)
    {
        List<Statement> statements = [];
        IReadOnlyList<Leaf> parts = leaf.Parts.Count > 1 ? leaf.Parts : [leaf];
        IndexExpr value = whole;
        IndexExpr[] digits = new IndexExpr[parts.Count];
        for (int i = parts.Count - 1; i >= 0; i--)
        {
            if (i == 0)
            {
                digits[i] = value;
                break;
            }

            // Of no iterations there are no digits, and whatever they are is not computed.
            IndexExpr extent = Extent(parts[i], scope);
            if (extent == IndexExpr.Zero) extent = IndexExpr.One;
            digits[i] = value % extent;
            value /= extent;
        }

        if (parts.Count == 1)
        {
            scope = scope.Bind(leaf, whole);
        }
        else
        {
            for (int i = 0; i < parts.Count; i++)
            {
                IndexExpr extent = Extent(parts[i], scope);
                if (extent.IsConstant && extent.Value == 1)
                {
                    scope = scope.Bind(parts[i], IndexExpr.Zero);
                    continue;
                }

                IndexVar digit = Variable(parts[i].Name, extent);
                statements.Add(new LetIndex(digit, digits[i]));
                scope = scope.Bind(parts[i], digit);
            }
        }

        return Block.Of([.. statements, Decide(parts, 0, scope, next)]);
    }

    private Statement Decide(IReadOnlyList<Leaf> parts, int at, Scope scope, Func<Scope, Statement> next)
    {
        if (at == parts.Count) return next(scope);
        Leaf leaf = parts[at];
        if (leaf.OuterOf is not { Tail: Tail.Peel or Tail.Mask } split) return Decide(parts, at + 1, scope, next);
        IndexExpr parent = Extent(split.Parent, scope), full = parent / split.Size, rest = parent % split.Size, count = IndexExpr.CeilDiv(parent, split.Size);
        Statement decided = Tiles();
        // In an incomplete tile of tiles there are fewer than the digit counts.
        return count.IsConstant && leaf.Extent.IsConstant && count.Value < leaf.Extent.Value ? new If(Less(Value(leaf, scope), count), decided) : decided;

        Statement Tiles()
        {
            if (rest.IsConstant && rest.Value == 0) return Decide(parts, at + 1, scope, next);
            Statement incomplete = Rest(split, full, rest, scope, s => Decide(parts, at + 1, s, next));
            if (full.IsConstant && full.Value == 0) return incomplete;
            IndexVar complete = Variable(leaf.Name, full);
            Statement main = Block.Of([new LetIndex(complete, Value(leaf, scope)), Decide(parts, at + 1, scope.Bind(leaf, complete), next)]);
            return new If(Less(Value(leaf, scope), full), main, incomplete);
        }
    }

    // ── Producers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    private Statement Producers(ProducerPlace place, Scope scope, Func<Scope, Statement> body)
    {
        if (place.Ring is { } axis) return InRings(place, axis, scope, body);
        List<(Stage Stage, Region Region, StageSchedule Schedule)> staged = [];
        List<(Stage Stage, Func<IndexVar, IndexExpr?> Axes, Dictionary<IndexVar, IndexExpr> Running)> consumers = [View(scope)];
        foreach (Stage producer in context.ProducersOf(_stage))
        {
            if (Regions.Of(producer, consumers, context) is not { } region) continue;
            // What is computed elsewhere still says which parts of earlier stages are read.
            consumers.Add(Regions.View(producer, region));
            if (place.Schedule(Part(producer, region)) is { } chosen) staged.Insert(0, (producer, region, chosen));
        }

        foreach ((Stage stage, Region region, _) in staged) context.Stage(stage.Output.Name, region);
        List<Statement> statements = [];
        foreach ((_, Region region, StageSchedule chosen) in staged)
            statements.Add(new StageLowering(context, chosen, region.Lo, scope.Guards.Length > 0).Lower());

        statements.Add(body(scope));
        Statement result = Block.Of(statements);
        foreach ((Stage stage, Region region, _) in Enumerable.Reverse(staged))
            if (region.Buffer is not null) result = new Alloc(region.Buffer, stage.Output.Element, stage.Output.Layout.Length(region.Extents), MemoryScope.Thread, result);
        return result;
    }

    /// <summary>What a schedule is made for: a producer as a stage of the extents of its region.</summary>
    private Stage Part(Stage producer, Region region) => producer with
    {
        Pure = [.. producer.Pure.Items.Select((a, d) => a with { Extent = region.Extents[d] })],
        Part = new StagePart(region.Lo, tensor => context.Computation.Stages.All(s => s.Output.Name != tensor.Name)),
    };

    /// <summary>This stage as a consumer: axes by bound values and by the variables of the leaves that are still to run.</summary>
    private (Stage, Func<IndexVar, IndexExpr?>, Dictionary<IndexVar, IndexExpr>) View(Scope scope)
    {
        Dictionary<IndexVar, IndexExpr> running = [];
        Scope all = scope;
        foreach (Leaf leaf in schedule.Order)
        {
            if (scope.IsBound(leaf) || (leaf.Parts.Count > 1 && leaf.Parts.All(scope.IsBound))) continue;
            IndexVar variable = Variable(leaf.Name, Extent(leaf, scope));
            running[variable] = Extent(leaf, scope);
            all = all.Bind(leaf, variable);
        }

        return (_stage, v => AxisOf(v, all) is { } value ? Resolve(value, all) : null, running);
    }
}
