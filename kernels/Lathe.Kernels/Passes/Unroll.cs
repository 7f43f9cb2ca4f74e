using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Passes;

/// <summary>Replaces unrolled loops, and serial ones of one trip, by copies of their bodies with names of their own, and simplifies what became constant.</summary>
public static class Unroll
{
    /// <summary>Runs the pass.</summary>
    public static Kernel Run(Kernel kernel) => new Tables().Run(Simplify.Run(new Copies(Names.In(kernel)).Run(kernel)));

    /// <summary>Drops tables, all of whose elements are constants by now.</summary>
    private sealed class Tables : Rewriter
    {
        public override Statement Visit(Statement statement) => statement is Table ? Block.Empty : base.Visit(statement);
    }

    private sealed class Copies(Names used) : Rewriter
    {
        public override Statement Visit(Statement statement)
        {
            statement = base.Visit(statement);
            if (statement is not For { Kind: LoopKind.Unroll or LoopKind.Serial } loop) return statement;
            if (loop.Kind == LoopKind.Serial && !((loop.Hi - loop.Lo) is { IsConstant: true, Value: 1 })) return loop;
            long trips = (loop.Hi - loop.Lo).Value;
            List<Statement> copies = [];
            for (long trip = 0; trip < trips; trip++)
            {
                Statement copy = Substitution.Of(loop.Body, loop.Variable, loop.Lo + trip);
                if (trip > 0) copy = Substitution.Rename(copy, Fresh(copy));
                Block.Append(copies, copy);
            }

            return Block.Of(copies);
        }

        private Dictionary<string, string> Fresh(Statement statement)
        {
            Dictionary<string, string> names = new(StringComparer.Ordinal);
            foreach (Statement inner in StatementWalk.All(statement))
            {
                string? name = inner switch { Let s => s.Name, Local s => s.Name, Alloc s => s.Name, Pointer s => s.Name, _ => null };
                if (name is not null && !names.ContainsKey(name)) names[name] = used.Next(name + "_");
            }

            return names;
        }
    }
}

/// <summary>Decides conditions, masks and selections whose operands are known, reads tables, and drops what no lane does.</summary>
public static class Simplify
{
    /// <summary>Runs the pass.</summary>
    public static Kernel Run(Kernel kernel) => new Rules().Run(kernel);

    private sealed class Rules : Rewriter
    {
        private readonly Dictionary<string, Table> _tables = new(StringComparer.Ordinal);

        public override Statement Visit(Statement statement)
        {
            switch (base.Visit(statement))
            {
                case Store { Mask: FirstLanes { Count: { IsConstant: true } count } mask } s:
                    return count.Value >= mask.Lanes ? s with { Mask = null } : count.Value <= 0 ? Block.Empty : s;
                case Store { Mask: null, Value: Load { Mask: null, Stride: 1 } value } s when value.Buffer == s.Buffer && value.Index == s.Index:
                    return Block.Empty;
                case If { Condition: Const condition } s:
                    return condition.Integer != 0 ? s.Then : s.Else ?? Block.Empty;
                case Table s:
                    _tables[s.Name] = s;
                    return s;
                case For { Kind: LoopKind.Serial } s when (s.Hi - s.Lo).Range.Max <= 0:
                    return Block.Empty;
                case var s:
                    return s;
            }
        }

        protected override Expr Rewrite(Expr expression)
        {
            switch (base.Rewrite(expression))
            {
                case Load { Index: { IsConstant: true } at, Type.Lanes: 1, Mask: null } e when _tables.TryGetValue(e.Buffer, out Table? table):
                    return Const.Of(e.Type, table.Values[checked((int)at.Value)]);
                case Load { Mask: FirstLanes { Count: { IsConstant: true } count } mask } e when count.Value >= mask.Lanes:
                    return e with { Mask = null };
                case Binary { Op: BinaryOp.Less or BinaryOp.LessOrEqual or BinaryOp.Equal, Type.Lanes: 1, A: IndexValue or Const, B: IndexValue or Const } e
                    when IndexOf(e.A) is { } a && IndexOf(e.B) is { } b:
                    IndexRange difference = (a - b).Range;
                    bool? known = e.Op switch
                    {
                        BinaryOp.Less => difference.Max < 0 ? true : difference.Min >= 0 ? false : null,
                        BinaryOp.LessOrEqual => difference.Max <= 0 ? true : difference.Min > 0 ? false : null,
                        _ => difference is { Min: 0, Max: 0 } ? true : difference.Min > 0 || difference.Max < 0 ? false : null,
                    };
                    return known is { } value ? Const.OfInteger(ElementType.Bool, value ? 1 : 0) : e;
                case Binary { Op: BinaryOp.And, Type: { Element: ElementType.Bool, Lanes: 1 } } e:
                    if (e.A is Const x) return x.Integer != 0 ? e.B : x;
                    if (e.B is Const y) return y.Integer != 0 ? e.A : y;
                    return e;
                case Binary { Op: BinaryOp.And, Type.Element: ElementType.Bool, A: FirstLanes { Count: { IsConstant: true } count } mask } e when count.Value >= mask.Lanes:
                    return e.B;
                case Binary { Op: BinaryOp.Equal, A: Const { ValueType: { Element: ElementType.Float32, Lanes: 1 } } a, B: Const b }:
                    return Const.OfInteger(ElementType.Bool, a.Float == b.Float ? 1 : 0);
                // The reciprocal of a power of two is exact.
                case Binary { Op: BinaryOp.Divide, B: Const { ValueType.Element: ElementType.Float32 } divisor } e when IsPowerOfTwo(divisor.Float):
                    return new Binary(BinaryOp.Multiply, e.A, divisor with { Float = 1 / divisor.Float });
                // One rounding either way.
                case Fma { A: Const { Float: 1 } or Splat { A: Const { Float: 1 } } } e:
                    return new Binary(BinaryOp.Add, e.C, e.B);
                case Fma { A: Const { Float: -1 } or Splat { A: Const { Float: -1 } } } e:
                    return new Binary(BinaryOp.Subtract, e.C, e.B);
                // Lanes that a mask excludes are zero already.
                case Select { Condition: FirstLanes lanes, Then: Load { Mask: FirstLanes mask } load, Else: Const { Float: 0, Integer: 0 } zero } when lanes == mask && !double.IsNegative(zero.Float):
                    return load;
                case Select { Condition: Const condition } e:
                    return condition.Integer != 0 ? e.Then : e.Else;
                case Select { Condition: Splat { A: Const condition } } e:
                    return condition.Integer != 0 ? e.Then : e.Else;
                case var e:
                    return e;
            }
        }

        private static bool IsPowerOfTwo(double value) => Math.Abs(value) is >= 1e-30 and <= 1e30 && double.IsPow2(Math.Abs(value));

        private static IndexExpr? IndexOf(Expr expression) => expression switch
        {
            IndexValue { Stride: 0 } e => e.Index,
            Const { ValueType.Element: var type } e when type.IsInteger() => e.Integer,
            _ => null,
        };
    }
}
