using System.Collections.Immutable;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Schedules;

namespace Lathe.Kernels.Lowering;

/// <content>The register tile of a reduction.</content>
internal sealed partial class StageLowering
{
    /// <summary>The work of all results of a tile, in operations, from which on they are computed in a loop.</summary>
    private const long MostOfResults = 200;

    /// <summary>True while unrolled leaves become loops.</summary>
    private bool _isRolled;

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
        // Lanes lie together: they are the last leaf, of the tile or of the partial running values.
        ImmutableArray<Leaf> held = HasLanes(partial) ? [.. pure, .. partial] : [.. partial, .. pure];
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
        (IndexExpr place, IndexExpr step) = HasLanes(partial) ? (Place(pure, scope) * size, IndexExpr.One) : (Place(pure, scope), IndexExpr.Product(pure.Select(l => Extent(l, scope))));
        List<Expr> values = [];
        for (long at = 0; at < size; at += lanes) values.Add(new Load(name, place + (step * at), new VectorType(accumulator.Element, (int)lanes)));
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

    private static bool HasLanes(ImmutableArray<Leaf> partial) => !partial.IsEmpty && partial[^1].Kind == LoopKind.Vector;

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
}
