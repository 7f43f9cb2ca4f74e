using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;
using Lathe.Runtime;

namespace Lathe.Kernels.Passes;

/// <summary>
/// Turns vector loops into vectors of the machine's width. An index whose coefficient of the vector variable is 0 gives a scalar, splat
/// where it meets a vector; 1 gives a vector load; any other constant a strided one. A guard on the variable becomes a mask. A loop wider
/// than the machine becomes an unrolled loop of vectors.
/// </summary>
public static class Vectorise
{
    /// <summary>Runs the pass.</summary>
    public static Kernel Run(Kernel kernel, Machine machine) => new VectorLoops(machine.Lanes).Run(kernel);

    private sealed class VectorLoops(int lanes) : Rewriter
    {
        public override Statement Visit(Statement statement)
        {
            if (statement is not For { Kind: LoopKind.Vector } loop) return base.Visit(statement);
            if (loop.Body is For { Kind: LoopKind.Vector } inner) return Transposed(loop, inner);
            long extent = (loop.Hi - loop.Lo).Value;
            if (extent % lanes != 0) throw new InvalidOperationException($"The vector loop '{loop.Variable}' of {extent} is no multiple of {lanes} lanes.");
            IndexVar lane = new(loop.Variable.Name, 0, lanes - 1);
            if (extent == lanes) return new Lanes(lane, lanes).Visit(loop.Lo == IndexExpr.Zero ? Substitution.Of(loop.Body, loop.Variable, lane) : Substitution.Of(loop.Body, loop.Variable, loop.Lo + lane));
            IndexVar part = new(loop.Variable.Name + "_part", 0, (extent / lanes) - 1);
            Statement body = Substitution.Of(loop.Body, loop.Variable, loop.Lo + (part * (long)lanes) + lane);
            return new For(part, 0, extent / lanes, LoopKind.Unroll, new Lanes(lane, lanes).Visit(body));
        }
    }

    /// <summary>Two vector loops, each along the stride of the other.</summary>
    private static TransposeBlock Transposed(For rows, For columns)
    {
        if (columns.Body is Store { Mask: null, Stride: 1, Value: Load { Mask: null, Stride: 1 } load } store
            && store.Index.Coefficient(columns.Variable) == 1 && load.Index.Coefficient(rows.Variable) == 1
            && store.Index.Factor(rows.Variable) is { } toStride && load.Index.Factor(columns.Variable) is { } fromStride
            && rows.Lo == IndexExpr.Zero && columns.Lo == IndexExpr.Zero)
        {
            IndexExpr Start(IndexExpr index) => index.Substitute(rows.Variable, IndexExpr.Zero).Substitute(columns.Variable, IndexExpr.Zero);
            return new TransposeBlock(store.Buffer, Start(store.Index), toStride, load.Buffer, Start(load.Index), fromStride, rows.Hi.Value, columns.Hi.Value);
        }

        throw new InvalidOperationException($"The vector loops '{rows.Variable}' and '{columns.Variable}' are no transposed block.");
    }

    /// <summary>The body of one vector loop.</summary>
    private sealed class Lanes(IndexVar variable, int lanes) : Rewriter
    {
        private readonly Dictionary<string, VectorType> _names = new(StringComparer.Ordinal);
        private readonly Dictionary<Load, Expr?> _read = [];
        private Expr? _mask;
        private IndexVar? _active;

        public override Statement Visit(Statement statement)
        {
            switch (statement)
            {
                case If s:
                    Expr condition = Visit(s.Condition);
                    if (condition.Type.Lanes == 1) return new If(condition, Visit(s.Then), s.Else is null ? null : Visit(s.Else));
                    Statement then = Under(condition, () => Visit(s.Then));
                    return s.Else is null ? then : Block.Of([then, Under(new Unary(UnaryOp.Not, condition), () => Visit(s.Else))]);
                case For s:
                    if (s.Lo.DependsOn(variable) || s.Hi.DependsOn(variable)) throw Cannot($"the bounds of loop '{s.Variable}' differ between lanes");
                    return s with { Body = Visit(s.Body) };
                case Let s:
                    Expr value = Visit(s.Value);
                    _names[s.Name] = value.Type;
                    Forget();
                    return s with { Value = value };
                case Store s:
                    value = Wide(Visit(s.Value));
                    return new Store(s.Buffer, Start(s.Index), value, _mask, Stride(s.Index) is var stride and not 0 ? stride : throw Cannot($"all lanes store to one element of '{s.Buffer}'"));
                case Sequence:
                    return base.Visit(statement);
                default:
                    throw Cannot($"a {statement.GetType().Name} is inside");
            }
        }

        protected override Expr Rewrite(Expr expression)
        {
            switch (expression)
            {
                case Var e:
                    return _names.TryGetValue(e.Name, out VectorType type) ? e with { ValueType = type } : e;
                case IndexValue e:
                    long step = Stride(e.Index);
                    if (step == 0) return e with { Index = Start(e.Index) };
                    // A single index fits 32 bits; wider lanes would not fit the vector.
                    return new IndexValue(Start(e.Index), new VectorType(e.Type.Element == ElementType.Int64 ? ElementType.Int32 : e.Type.Element, lanes), step);
                case Load e:
                    step = Stride(e.Index);
                    return step == 0 ? e with { Index = Start(e.Index) } : new Load(e.Buffer, Start(e.Index), e.Type.WithLanes(lanes), _read.GetValueOrDefault(e, _mask), step);
                case Unary e:
                    return e with { A = Visit(e.A) };
                case Binary { Op: BinaryOp.Less, A: IndexValue a, B: IndexValue b } when Stride(a.Index) == 1 && Stride(b.Index) == 0:
                    IndexExpr count = Start(b.Index) - Start(a.Index);
                    // A limit between vectors holds for all lanes or for none.
                    return count.Terms.All(t => t.Coefficient % lanes == 0)
                        ? new Binary(BinaryOp.Less, new IndexValue(Start(a.Index), ElementType.Int64), new IndexValue(Start(b.Index), ElementType.Int64))
                        : new FirstLanes(count, lanes);
                case Binary e:
                    (Expr x, Expr y) = Alike(Visit(e.A), Visit(e.B));
                    return e with { A = x, B = y };
                case Fma e:
                    Expr[] all = Alike([Visit(e.A), Visit(e.B), Visit(e.C)]);
                    return new Fma(all[0], all[1], all[2]);
                case Dot4 e:
                    all = Alike([Visit(e.Accumulator), Visit(e.A), Visit(e.B)]);
                    return e with { Accumulator = all[0], A = all[1], B = all[2] };
                case Select e:
                    Expr condition = Visit(e.Condition);
                    if (condition.Type.Lanes == 1)
                    {
                        (x, y) = Alike(Visit(e.Then), Visit(e.Else));
                        return new Select(x.Type.Lanes == 1 ? condition : Wide(condition), x, y);
                    }

                    // What the condition has read may be read by either side: once, and with the condition's mask.
                    Load[] known = ExprWalk.Any(e.Condition, part => part is Select) ? [] : [.. ExprWalk.All(e.Condition).OfType<Load>().Distinct().Where(load => _read.TryAdd(load, _mask))];
                    (x, y) = (Wide(Under(condition, () => Visit(e.Then))), Wide(Under(new Unary(UnaryOp.Not, condition), () => Visit(e.Else))));
                    foreach (Load load in known) _read.Remove(load);
                    return new Select(condition, x, y);
                case Cast e:
                    Expr value = Visit(e.A);
                    return e with { A = value, To = e.To.WithLanes(value.Type.Lanes) };
                case Bits e:
                    value = Visit(e.A);
                    return new Bits(value, e.To.WithLanes(value.Type.Lanes));
                case Const:
                    return expression;
                case Gather e:
                    value = Visit(e.Index);
                    return value.Type.Lanes == 1 ? e with { Index = value } : new Gather(e.Buffer, value, e.Type.WithLanes(lanes), _mask);
                case Reduce or Shuffle or Splat or Dot2 or FirstLanes:
                    throw Cannot($"a {expression.GetType().Name} is inside");
                default:
                    return base.Rewrite(expression);
            }
        }

        private T Under<T>(Expr mask, Func<T> visit)
        {
            Expr? outer = _mask;
            IndexVar? outerActive = _active;
            _mask = (outer, mask) switch
            {
                (null, _) => mask,
                // The first of the first.
                (FirstLanes { Count: { IsConstant: true } a }, FirstLanes { Count: { IsConstant: true } b }) => a.Value < b.Value ? outer : mask,
                _ => new Binary(BinaryOp.And, outer, mask),
            };
            _active = ActiveLanes(_mask);
            Forget();
            T result = visit();
            (_mask, _active) = (outer, outerActive);
            Forget();
            return result;
        }

        private long Stride(IndexExpr index) => index.Coefficient(variable) ?? Active(index)?.Coefficient(_active!) ?? throw Cannot($"the index '{index}' is not linear");

        private IndexExpr Start(IndexExpr index) =>
            index.Coefficient(variable) is null && Active(index) is { } active ? active.Substitute(_active!, IndexExpr.Zero) : index.Substitute(variable, IndexExpr.Zero);

        /// <summary>An index for the lanes that a mask lets through, among which a quotient or a remainder may not change; null where all are.</summary>
        private IndexExpr? Active(IndexExpr index) => _active is null ? null : index.Substitute(variable, _active);

        private IndexVar? ActiveLanes(Expr? mask) => mask switch
        {
            FirstLanes { Count.Range.Max: var count } when count > 0 && count < lanes => variable with { Max = count - 1 },
            Binary { Op: BinaryOp.And, A: var a, B: var b } => ActiveLanes(a) ?? ActiveLanes(b),
            _ => null,
        };

        private (Expr A, Expr B) Alike(Expr a, Expr b)
        {
            Expr[] both = Alike([a, b]);
            return (both[0], both[1]);
        }

        private Expr[] Alike(Expr[] values)
        {
            if (values.All(v => v.Type.Lanes == 1)) return values;
            // Lane numbers are 32 bits wide; a constant or index beside them follows.
            bool narrow = values.Any(v => v is { Type: { Element: ElementType.Int32, Lanes: > 1 } });
            return [.. values.Select(v => Wide(narrow ? Narrow(v) : v))];
        }

        private static Expr Narrow(Expr value) => value switch
        {
            Const { ValueType.Element: ElementType.Int64 } e => Const.OfInteger(new VectorType(ElementType.Int32, e.ValueType.Lanes), e.Integer),
            IndexValue { ValueType: { Element: ElementType.Int64, Lanes: 1 } } e => e with { ValueType = ElementType.Int32 },
            _ => value,
        };

        private Expr Wide(Expr value) => value.Type.Lanes == lanes ? value : value is Const e ? e with { ValueType = e.ValueType.WithLanes(lanes) } : new Splat(value, lanes);

        private InvalidOperationException Cannot(string why) => new($"The loop '{variable}' cannot be a vector: {why}.");
    }
}
