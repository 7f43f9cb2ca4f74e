using System.Collections.Immutable;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Schedules;
using Lathe.Runtime;

namespace Lathe.Kernels.Lowering;

/// <summary>Lowers one stage by its schedule.</summary>
/// <param name="context">What the stages share.</param>
/// <param name="schedule">The stage's schedule.</param>
/// <param name="lo">Where the region to compute starts, for every pure axis; empty for the whole output.</param>
/// <param name="beyond">True if the region may reach beyond the output, because the tile that it serves does.</param>
internal sealed class StageLowering(LoweringContext context, StageSchedule schedule, IReadOnlyList<IndexExpr> lo, bool beyond = false)
{
    /// <summary>The work of all results of a tile, in operations, from which on they are computed in a loop.</summary>
    private const long MostOfResults = 200;

    private readonly Stage _stage = schedule.Stage;

    /// <summary>True while unrolled leaves become loops.</summary>
    private bool _isRolled;

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

    /// <summary>The register tile. What the loops around it decide is asked once, around all of it, so that its running values are declared and used in one block.</summary>
    private Statement Tile(ImmutableArray<Leaf> leaves, Scope scope)
    {
        Scope around = scope with { Guards = [.. scope.Guards.Where(g => scope.IsBound(g.Leaf))] };
        Statement tile = Registers(leaves, scope with { Guards = [.. scope.Guards.Where(g => !scope.IsBound(g.Leaf))] });
        return Inside(around) is { } condition ? new If(condition, tile) : tile;
    }

    /// <summary>Start the running values, update them, store the results.</summary>
    private Statement Registers(ImmutableArray<Leaf> leaves, Scope scope)
    {
        ImmutableArray<Leaf> pure = [.. leaves.Where(l => !l.IsReduction)], partial = [.. leaves.Where(l => l.IsPartial)];
        ImmutableArray<Leaf> held = [.. pure, .. partial];
        string[] names = [.. _stage.Accumulators.Items.Select(a => context.Names.Unique(a.Name))];
        IndexExpr heldSize = IndexExpr.Product(held.Select(l => Extent(l, scope)));

        Load Running(int i, Scope s) => new(names[i], Place(held, s), _stage.Accumulators[i].Element);

        List<Statement> parts =
        [
            Emit(held, 0, scope, s => GuardedRunning(s, names, a => a.Init, read => Together(s, (i, _) => (names[i], Place(held, s), partial.IsEmpty
                ? read(ExpressionOf(_stage.Accumulators[i].Init, s, null))
                : Combination.Of(_stage.Accumulators[i]).Neutral)))),
            Emit(leaves, 0, scope, s => GuardedRunning(s, names, a => a.Update, read => Together(s, (i, _) => (names[i], Place(held, s), read(ExpressionOf(_stage.Accumulators[i].Update, s, j => Running(j, s))))))),
        ];

        Func<Scope, Func<int, Expr>> final = s => i => Running(i, s);
        string[]? totals = null;
        if (!partial.IsEmpty)
        {
            totals = [.. _stage.Accumulators.Items.Select(a => context.Names.Unique(a.Name + "_total"))];
            parts.Add(Emit(pure, 0, scope, s => Guarded(s, Together(s, (i, _) => (totals[i], Place(pure, s), Total(i, names[i], pure, partial, s))))));
            final = s => i => new Load(totals[i], Place(pure, s), _stage.Accumulators[i].Element);
        }

        // Functions of the running values are computed in a loop, from memory near by: unrolled over the tile they would take more names than the JIT keeps in registers.
        long copies = pure.Where(l => l.Kind == LoopKind.Unroll).Aggregate(1L, (n, l) => n * Extent(l, scope).Value);
        string? results = names.Length == 1 && totals is null && copies > 1 && pure[^1].Kind == LoopKind.Vector && copies * Work(_stage.Result) > MostOfResults ? context.Names.Unique(_stage.Accumulators[0].Name + "_tile") : null;
        if (results is null)
        {
            parts.Add(Emit(pure, 0, scope, s => Guarded(s, Result(s, final(s)))));
        }
        else
        {
            parts.Add(Emit(pure, 0, scope, s => Guarded(s, new Store(results, Place(pure, s), Running(0, s)))));
            _isRolled = true;
            parts.Add(Emit(pure, 0, scope, s => Guarded(s, Result(s, _ => new Load(results, Place(pure, s), _stage.Accumulators[0].Element)))));
            _isRolled = false;
        }

        Statement body = Block.Of(parts);
        if (results is not null) body = new Alloc(results, _stage.Accumulators[0].Element, heldSize, MemoryScope.Thread, body);
        for (int i = names.Length - 1; i >= 0; i--)
        {
            if (totals is not null) body = new Alloc(totals[i], _stage.Accumulators[i].Element, IndexExpr.Product(pure.Select(l => Extent(l, scope))), MemoryScope.Register, body);
            body = new Alloc(names[i], _stage.Accumulators[i].Element, heldSize, MemoryScope.Register, body);
        }

        return body;

        // Updates of one iteration see the values before it: with several, all are computed before any is stored.
        Statement Together(Scope s, Func<int, Scope, (string Name, IndexExpr Index, Expr Value)> update)
        {
            if (names.Length == 1)
            {
                (string name, IndexExpr index, Expr value) = update(0, s);
                return new Store(name, index, value);
            }

            List<Statement> values = [], stores = [];
            for (int i = 0; i < names.Length; i++)
            {
                (string name, IndexExpr index, Expr value) = update(i, s);
                string next = context.Names.Unique("next_" + name);
                values.Add(new Let(next, value));
                stores.Add(new Store(name, index, new Var(next, value.Type)));
            }

            return Block.Of([.. values, .. stores]);
        }
    }

    /// <summary>A running value of all partial ones: vectors with vectors, then the lanes of the last.</summary>
    private Expr Total(int i, string name, ImmutableArray<Leaf> pure, ImmutableArray<Leaf> partial, Scope scope)
    {
        Accumulator accumulator = _stage.Accumulators[i];
        Combination combination = Combination.Of(accumulator);
        long size = IndexExpr.Product(partial.Select(l => Extent(l, scope))).Value;
        long lanes = partial[^1].Kind == LoopKind.Vector ? Extent(partial[^1], scope).Value : 1;
        IndexExpr place = Place(pure, scope) * size;
        List<Expr> values = [];
        for (long at = 0; at < size; at += lanes) values.Add(new Load(name, place + at, new VectorType(accumulator.Element, (int)lanes)));
        while (values.Count > 1)
        {
            List<Expr> pairs = [];
            for (int k = 0; k + 1 < values.Count; k += 2) pairs.Add(new Binary(combination.Op, values[k], values[k + 1]));
            if (values.Count % 2 == 1) pairs.Add(values[^1]);
            values = pairs;
        }

        Expr total = lanes == 1 ? values[0] : new Reduce(combination.Op, values[0]);
        return new Binary(combination.Op, ExpressionOf(accumulator.Init, scope, null), total);
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
            : schedule.Ahead?.Leaf == leaf ? Block.Of([.. Prefetches(leaves, at + 1, s), Emit(leaves, at + 1, s, body)])
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

    private LoopKind KindOf(Leaf leaf) => _isRolled && leaf.Kind == LoopKind.Unroll ? LoopKind.Serial : leaf.Kind;

    /// <summary>How many instructions an expression takes, roughly: functions are polynomials.</summary>
    private static long Work(Expr expression) => ExprWalk.All(expression).Sum(e => e switch
    {
        Unary { Op: <= UnaryOp.Truncate } => 1L,
        Unary => 20,
        Binary { Op: BinaryOp.Power } => 50,
        Binary or Fma or Select => 1,
        _ => 0,
    });

    /// <summary>One for each vector of a tensor that the leaves from one on read.</summary>
    private IEnumerable<Statement> Prefetches(ImmutableArray<Leaf> leaves, int from, Scope scope)
    {
        List<IndexExpr> places = [];
        Visit(from, scope);
        return places.Distinct().Select(p => new Prefetch(schedule.Ahead!.Value.Tensor, p + schedule.Ahead.Value.Distance));

        void Visit(int at, Scope s)
        {
            if (at < leaves.Length)
            {
                long extent = leaves[at].Kind == LoopKind.Vector ? 1 : Extent(leaves[at], s).Value;
                for (long i = 0; i < extent; i++) Visit(at + 1, s.Bind(leaves[at], i));
                return;
            }

            foreach (Access access in _stage.Accumulators.SelectMany(a => ExprWalk.All(a.Update)).OfType<Access>().Where(a => a.Tensor.Name == schedule.Ahead!.Value.Tensor))
                places.Add(Resolve(access.Tensor.Offset([.. access.Indices.Select(i => i.Substitute(v => AxisOf(v, s)))]), s));
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

        // A rest of unknown size goes by whole vectors where the tile consists of them, otherwise by single elements.
        Leaf.SplitOf? vectors = split.Inner.Split is { Tail: Tail.Mask } tile ? tile : null;
        long step = vectors?.Size ?? 1;
        IndexVar part = Variable(split.Outer.Name, rest / step);
        Scope after = scope.Bind(split.Outer, full);
        Statement parts = new For(part, 0, rest / step, LoopKind.Serial, next(after.Shift(split.Parent, part * (IndexExpr)step).Resize(split.Inner, step)));
        if (vectors is null || step == 1) return parts;
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
        IndexExpr parent = Extent(split.Parent, scope), full = parent / split.Size, rest = parent % split.Size;
        if (rest.IsConstant && rest.Value == 0) return Decide(parts, at + 1, scope, next);
        Statement incomplete = Rest(split, full, rest, scope, s => Decide(parts, at + 1, s, next));
        if (full.IsConstant && full.Value == 0) return incomplete;
        IndexVar complete = Variable(leaf.Name, full);
        Statement main = Block.Of([new LetIndex(complete, Value(leaf, scope)), Decide(parts, at + 1, scope.Bind(leaf, complete), next)]);
        return new If(Less(Value(leaf, scope), full), main, incomplete);
    }

    // ── Producers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    private Statement Producers(ProducerPlace place, Scope scope, Func<Scope, Statement> body)
    {
        List<(Stage Stage, Region Region, StageSchedule Schedule)> staged = [];
        List<(Stage Stage, Func<IndexVar, IndexExpr?> Axes, Dictionary<IndexVar, IndexExpr> Running)> consumers = [View(scope)];
        foreach (Stage producer in context.ProducersOf(_stage))
        {
            if (Regions.Of(producer, consumers, context) is not { } region) continue;
            // What is computed elsewhere still says which parts of earlier stages are read.
            consumers.Add(Regions.View(producer, region));
            Stage part = producer with { Pure = [.. producer.Pure.Items.Select((a, d) => a with { Extent = region.Extents[d] })] };
            if (place.Schedule(part) is { } chosen) staged.Insert(0, (producer, region, chosen));
        }

        foreach ((Stage stage, Region region, _) in staged) context.Stage(stage.Output.Name, region);
        List<Statement> statements = [];
        foreach ((_, Region region, StageSchedule chosen) in staged)
            statements.Add(new StageLowering(context, chosen, region.Lo, scope.Guards.Length > 0).Lower());

        statements.Add(body(scope));
        Statement result = Block.Of(statements);
        foreach ((Stage stage, Region region, _) in Enumerable.Reverse(staged))
            if (region.Buffer is not null) result = new Alloc(region.Buffer, stage.Output.Element, IndexExpr.Product(region.Extents), MemoryScope.Thread, result);
        return result;
    }

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

    // ── Values ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    private IndexExpr Extent(Leaf leaf, Scope scope)
    {
        if (scope.SizeOf(leaf) is { } size) return size;
        if (leaf.OuterOf is { } outer) return IndexExpr.CeilDiv(Extent(outer.Parent, scope), outer.Size);
        if (leaf.InnerOf is { } inner)
        {
            return inner.Tail == Tail.Clamp
                ? IndexExpr.Min(inner.Size, Extent(inner.Parent, scope) - (Value(inner.Outer, scope) * inner.Size))
                : inner.Size;
        }

        return leaf.Parts.Count > 1 ? IndexExpr.Product(leaf.Parts.Select(p => Extent(p, scope))) : leaf.Extent;
    }

    private IndexExpr Value(Leaf leaf, Scope scope)
    {
        if (scope.ValueOf(leaf) is { } value) return value;
        if (leaf.Split is { } split)
        {
            IndexExpr start = Value(split.Outer, scope) * split.Size;
            if (split.Tail == Tail.Overlap) start = IndexExpr.Min(start, Extent(leaf, scope) - split.Size);
            return start + Value(split.Inner, scope) + scope.ShiftOf(leaf);
        }

        if (leaf.Placeholder is not null) return leaf.Placeholder;
        return leaf.Whole is { } whole ? Value(whole, scope) : throw new InvalidOperationException($"Leaf '{leaf.Name}' of stage '{_stage.Name}' is used outside its loop.");
    }

    private IndexExpr Resolve(IndexExpr index, Scope scope) => schedule.Resolve(index, leaf => Value(leaf, scope));

    private IndexExpr AxisValue(int dim, Scope scope)
    {
        IndexExpr value = Value(schedule[_stage.Pure[dim]], scope);
        return lo.Count == 0 ? value : lo[dim] + value;
    }

    private IndexExpr? AxisOf(IndexVar variable, Scope scope)
    {
        for (int d = 0; d < _stage.Pure.Length; d++)
            if (_stage.Pure[d].Variable == variable) return AxisValue(d, scope);
        foreach (Axis axis in _stage.Reduction)
            if (axis.Variable == variable) return Value(schedule[axis], scope);
        return null;
    }

    private IndexExpr Place(ImmutableArray<Leaf> leaves, Scope scope)
    {
        IndexExpr place = IndexExpr.Zero;
        foreach (Leaf leaf in leaves) place = (place * Extent(leaf, scope)) + Value(leaf, scope);
        return place;
    }

    private IndexVar Variable(string name, IndexExpr extent) =>
        new(context.Names.Unique(name), 0, extent.Range.Max == long.MaxValue ? long.MaxValue : Math.Max(0, extent.Range.Max - 1));

    /// <summary>That the leaves which run beyond what there is have not; null where none can have.</summary>
    private Expr? Inside(Scope scope)
    {
        Expr? condition = null;
        foreach ((Leaf leaf, IndexExpr bound) in scope.Guards)
        {
            IndexExpr value = Resolve(Value(leaf, scope), scope);
            if ((value - bound).Range.Max < 0) continue;
            Expr inside = Less(value, bound);
            condition = condition is null ? inside : new Binary(BinaryOp.And, condition, inside);
        }

        return condition;
    }

    private Statement Guarded(Scope scope, Statement statement)
    {
        Expr? condition = Inside(scope);
        for (int d = 0; beyond && d < lo.Count; d++)
        {
            if (_stage.Pure[d].Extent == IndexExpr.One) continue;
            IndexExpr value = AxisValue(d, scope), bound = _stage.Output.Dims[d];
            if ((value - bound).Range.Max < 0) continue;
            Expr inside = Less(Value(schedule[_stage.Pure[d]], scope), bound - lo[d]);
            condition = condition is null ? inside : new Binary(BinaryOp.And, condition, inside);
        }

        return condition is null ? statement : new If(condition, statement);
    }

    /// <summary>
    /// Running values of lanes beyond the end may become what they will, since no result is stored of them: what is read for them is either there, being padding,
    /// or taken as zero. Only partial running values have to stay as they are.
    /// </summary>
    private Statement GuardedRunning(Scope scope, string[] running, Func<Accumulator, Expr> read, Func<Func<Expr, Expr>, Statement> update)
    {
        if (beyond || scope.Guards.Any(g => g.Leaf.IsReduction || g.Leaf.InnerOf is null)) return Guarded(scope, update(e => e));
        bool isPadded = scope.Guards.All(g => _stage.Pure.FirstOrDefault(a => schedule[a] == g.Leaf.InnerOf!.Parent) is { } axis
            && _stage.Accumulators.All(a => AccessAnalysis.IsPadded(read(a), axis, g.Leaf.InnerOf!.Size)));
        if (isPadded || Inside(scope) is not { } inside) return update(e => e);
        HashSet<string> lanes = [.. scope.Guards.SelectMany(g => Value(g.Leaf, scope).Variables).Select(v => v.Name)];
        return update(new ReadInside(inside, lanes, running).Visit);
    }

    /// <summary>Takes as zero what lies beyond.</summary>
    private sealed class ReadInside(Expr inside, HashSet<string> lanes, string[] running) : Rewriter
    {
        protected override Expr Rewrite(Expr expression) => expression switch
        {
            Load load when running.Contains(load.Buffer) => load,
            Load load when load.Index.Variables.Any(v => lanes.Contains(v.Name)) => new Select(inside, load, Const.Of(load.Type.Element, 0)),
            Cast { A: Load load } cast when load.Index.Variables.Any(v => lanes.Contains(v.Name)) => new Select(inside, cast, Const.Of(cast.Type.Element, 0)),
            _ => base.Rewrite(expression),
        };
    }

    private Expr ExpressionOf(Expr expression, Scope scope, Func<int, Expr>? running) => new Binding(this, context, scope, running).Visit(expression);

    private static Binary Less(IndexExpr a, IndexExpr b) => new(BinaryOp.Less, new IndexValue(a, ElementType.Int64), new IndexValue(b, ElementType.Int64));

    /// <summary>Turns axes into loop variables, accesses into loads and running values into registers.</summary>
    private sealed class Binding(StageLowering owner, LoweringContext context, Scope scope, Func<int, Expr>? running) : Rewriter
    {
        public override IndexExpr Visit(IndexExpr index) => owner.Resolve(Substituted(index), scope);

        protected override Expr Rewrite(Expr expression)
        {
            switch (expression)
            {
                case Access access:
                    (string buffer, IndexExpr offset) = context.Place(access.Tensor, [.. access.Indices.Items.Select(Substituted)]);
                    return new Load(buffer, owner.Resolve(offset, scope), access.Tensor.Element);
                case Var variable:
                    for (int i = 0; i < owner._stage.Accumulators.Length; i++)
                        if (owner._stage.Accumulators[i].Name == variable.Name) return running?.Invoke(i) ?? throw new InvalidOperationException($"The start value of '{variable.Name}' speaks of running values.");
                    return variable;
                default:
                    return base.Rewrite(expression);
            }
        }

        private IndexExpr Substituted(IndexExpr index) => index.Substitute(v => owner.AxisOf(v, scope));
    }
}

/// <summary>What is known of leaves at a place of the nest: the values of those whose loops are open, and sizes that differ from the schedule's.</summary>
/// <param name="Values">The values of leaves whose loops are open.</param>
/// <param name="Sizes">Extents in an incomplete tile.</param>
/// <param name="Shifts">How far an incomplete tile that is computed in parts has come.</param>
/// <param name="Guards">Leaves that run beyond what there is, and where that ends.</param>
internal sealed record Scope(
    ImmutableDictionary<Leaf, IndexExpr> Values,
    ImmutableDictionary<Leaf, IndexExpr> Sizes,
    ImmutableDictionary<Leaf, IndexExpr> Shifts,
    ImmutableArray<(Leaf Leaf, IndexExpr Bound)> Guards)
{
    private static readonly ImmutableDictionary<Leaf, IndexExpr> None = ImmutableDictionary<Leaf, IndexExpr>.Empty;

    public static Scope Empty { get; } = new(None, None, None, []);

    public Scope Bind(Leaf leaf, IndexExpr value) => this with { Values = Values.SetItem(leaf, value) };

    public Scope Resize(Leaf leaf, IndexExpr size) => this with { Sizes = Sizes.SetItem(leaf, size) };

    public Scope Shift(Leaf leaf, IndexExpr distance) => this with { Shifts = Shifts.SetItem(leaf, distance) };

    public Scope Guard(Leaf leaf, IndexExpr bound) => this with { Guards = Guards.Add((leaf, bound)) };

    public bool IsBound(Leaf leaf) => Values.ContainsKey(leaf);

    public IndexExpr? ValueOf(Leaf leaf) => Values.GetValueOrDefault(leaf);

    public IndexExpr ShiftOf(Leaf leaf) => Shifts.GetValueOrDefault(leaf) ?? IndexExpr.Zero;

    public IndexExpr? SizeOf(Leaf leaf) => Sizes.GetValueOrDefault(leaf);
}
