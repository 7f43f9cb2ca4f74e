using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Element-wise work and movement.</summary>
public sealed class MapTests : KernelCaseTests<MapTests>, ICaseSource
{
    private static readonly IndexVar N = new("N", 1, 100), M = new("M", 1, 1000);

    /// <inheritdoc/>
    public static IReadOnlyList<KernelCase> Cases { get; } =
    [
        new("sum, flat", Binary(Rows([3, 5, 7]), Rows([3, 5, 7]), BinaryOp.Add)),
        new("sum, one element", Binary(Rows([1]), Rows([1]), BinaryOp.Add)),
        new("sum of scalars", Binary(Rows([]), Rows([]), BinaryOp.Add)),
        new("bits of bfloat16", Sample.Map(Y([9], ElementType.Int16), [T("x0", [9], ElementType.BFloat16)], i => new Bits(T("x0", [9], ElementType.BFloat16).At(i), ElementType.Int16))),
        new("bfloat16 of bits", Sample.Map(Y([9], ElementType.BFloat16), [T("x0", [9], ElementType.Int16)], i => new Bits(T("x0", [9], ElementType.Int16).At(i), ElementType.BFloat16))),
        new("sum, symbolic", Sample.Map(Y([N, M]), [T("x0", [N, M]), T("x1", [M])], i => Add(T("x0", [N, M]).At(i), T("x1", [M]).At(i[1])), [N, M]), 3, 18),
        new("sum of blocked with halo", Sample.Map(
            new Tensor("y", ElementType.Float32, [1, 20, 3, 5], Layout.Blocked(4, 16, [1, 2], [2, 1])), [B("x0"), B("x1")], i => Add(B("x0").At(i), B("x1").At(i)))),
        new("row-major to blocked", Sample.Map(B("y"), [T("x0", [1, 20, 3, 5])], i => T("x0", [1, 20, 3, 5]).At(i))),
        new("blocked to row-major", Sample.Map(Y([1, 20, 3, 5]), [B("x0")], i => B("x0").At(i))),
        new("transpose", Sample.Map(Y([19, 7]), [T("x0", [7, 19])], i => T("x0", [7, 19]).At(i[1], i[0]))),
        new("channels last from blocks", Sample.Map(Y([1, 15, 20]), [B("x0")], i => B("x0").At(i[0], i[2], i[1] / 5, i[1] % 5))),
        new("channels last from two tensors of blocks", Sample.Map(Y([1, 30, 20]), [B("x0"), B("x1")], i => new Select(
            new Binary(BinaryOp.Less, new IndexValue(i[1], ElementType.Int64), Const.OfInteger(ElementType.Int64, 15)),
            B("x0").At(i[0], i[2], i[1] / 5, i[1] % 5), B("x1").At(i[0], i[2], (i[1] - 15) / 5, (i[1] - 15) % 5)))),
        new("channel bias of blocked from a plain vector", Sample.Map(B("y"), [B("x0"), T("x1", [20])], i => Add(B("x0").At(i), T("x1", [20]).At(i[1])))),
        new("pad", Sample.Map(Y([4, 25]), [T("x0", [2, 20])], i => Sample.Inside([(i[0] - 1, 2), (i[1] - 3, 20)], T("x0", [2, 20]).At(i[0] - 1, i[1] - 3), Const.Of(ElementType.Float32, 7)))),
        new("slice with a step", Sample.Map(Y([3, 18]), [T("x0", [3, 40])], i => T("x0", [3, 40]).At(i[0], (i[1] * 2) + 1))),
        new("reverse", Sample.Map(Y([3, 18]), [T("x0", [3, 18])], i => T("x0", [3, 18]).At(i[0], 17 - i[1]))),
        new("concatenate", Sample.Map(Y([2, 33]), [T("x0", [2, 13]), T("x1", [2, 20])], i => new Select(
            new Binary(BinaryOp.Less, new IndexValue(i[1], ElementType.Int64), Const.OfInteger(ElementType.Int64, 13)), T("x0", [2, 13]).At(i), T("x1", [2, 20]).At(i[0], i[1] - 13)))),
        new("reshape across blocks", Sample.Map(Y([20, 15]), [T("x0", [12, 25])], i => T("x0", [12, 25]).At(((i[0] * 15) + i[1]) / 25, ((i[0] * 15) + i[1]) % 25))),
        new("where", Sample.Map(Y([37]), [T("x0", [37]), T("x1", [37])], i => new Select(
            new Binary(BinaryOp.Less, T("x0", [37]).At(i), T("x1", [37]).At(i)), new Unary(UnaryOp.Negate, T("x0", [37]).At(i)), new Unary(UnaryOp.Abs, T("x1", [37]).At(i))))),
        new("rounding", Sample.Map(Y([37]), [T("x0", [37])], i => Add(Add(new Unary(UnaryOp.Round, X37(i)), new Unary(UnaryOp.Floor, X37(i))), Add(new Unary(UnaryOp.Ceiling, X37(i)), new Unary(UnaryOp.Truncate, X37(i)))))),
        new("trigonometry", Sample.Map(Y([19]), [T("x0", [19])], i => Add(new Unary(UnaryOp.Sin, T("x0", [19]).At(i)), new Unary(UnaryOp.Atan, T("x0", [19]).At(i))))),
        new("power", Sample.Map(Y([19]), [T("x0", [19]), T("x1", [19])], i => new Binary(BinaryOp.Power, T("x0", [19]).At(i), T("x1", [19]).At(i)))) { Value = r => r.Next(1, 30) / 8.0 },
        new("functions", Sample.Map(Y([53]), [T("x0", [53])], i => Add(
            Add(new Unary(UnaryOp.Exp, T("x0", [53]).At(i)), new Unary(UnaryOp.Log, new Unary(UnaryOp.Abs, T("x0", [53]).At(i)))),
            Add(Add(new Unary(UnaryOp.Tanh, T("x0", [53]).At(i)), new Unary(UnaryOp.Erf, T("x0", [53]).At(i))), new Unary(UnaryOp.Sigmoid, T("x0", [53]).At(i)))))),
        new("product with a sigmoid", Sample.Map(Y([53]), [T("x0", [53])], i => new Binary(BinaryOp.Multiply, T("x0", [53]).At(i), new Unary(UnaryOp.Sigmoid, T("x0", [53]).At(i))))),
        new("function of padding", Sample.Map(Y([3, 25]), [T("x0", [3, 20])], i => Sample.Inside([(i[1] - 3, 20)], new Unary(UnaryOp.Exp, T("x0", [3, 20]).At(i[0], i[1] - 3)), Const.Of(ElementType.Float32, 0)))),
        new("function of padded rows", Sample.Map(Y([5, 20]), [T("x0", [3, 20])], i => Sample.Inside([(i[0] - 1, 3)], new Unary(UnaryOp.Exp, T("x0", [3, 20]).At(i[0] - 1, i[1])), Const.Of(ElementType.Float32, 0)))),
        .. Conversions(),
        .. Quantised(),
        .. Types(),
    ];

    private static Expr X37(IndexExpr[] i) => T("x0", [37]).At(i);

    private static Tensor T(string name, IndexExpr[] dims, ElementType type = ElementType.Float32) => new(name, type, dims, Layout.RowMajor(dims.Length));

    private static Tensor Y(IndexExpr[] dims, ElementType type = ElementType.Float32) => T("y", dims, type);

    private static Tensor B(string name) => new(name, ElementType.Float32, [1, 20, 3, 5], Layout.Blocked(4, 16));

    private static Tensor Rows(IndexExpr[] dims) => T("x", dims);

    private static Binary Add(Expr a, Expr b) => new(BinaryOp.Add, a, b);

    private static Computation Binary(Tensor a, Tensor b, BinaryOp op)
    {
        (Tensor x, Tensor z) = (a with { Name = "x0" }, b with { Name = "x1" });
        return Sample.Map(a with { Name = "y" }, [x, z], i => new Binary(op, x.At(i), z.At(i)));
    }

    /// <summary>Every conversion that a model may ask for, of values that both types hold.</summary>
    private static IEnumerable<KernelCase> Conversions()
    {
        ElementType[] types =
        [
            ElementType.Float32, ElementType.Float64, ElementType.Float16, ElementType.BFloat16, ElementType.Bool, ElementType.Int8, ElementType.UInt8,
            ElementType.Int16, ElementType.UInt16, ElementType.Int32, ElementType.UInt32, ElementType.Int64, ElementType.UInt64,
        ];
        foreach (ElementType from in types)
        {
            foreach (ElementType to in types.Where(t => t != from))
            {
                Tensor x = T("x0", [21], from);
                yield return new KernelCase($"{from.Name()} to {to.Name()}", Sample.Map(Y([21], to), [x], i => new Cast(x.At(i), to))) { Value = r => r.Next(0, 100) + (from.IsFloat() ? 0.25 : 0) };
            }
        }
    }

    /// <summary>Floats that are scaled, rounded, moved and saturated to narrow integers, and the way back.</summary>
    private static IEnumerable<KernelCase> Quantised()
    {
        foreach (ElementType type in (ElementType[])[ElementType.UInt8, ElementType.Int8, ElementType.UInt16, ElementType.Int16])
        {
            foreach (int length in (int[])[3, 16, 37])
            {
                IndexExpr[] dims = [2, 3, length], channels = [3];
                Tensor x = T("x0", dims), scales = T("x1", channels), zeros = T("x2", channels, type), q = T("x0", dims, type);
                Expr Zero(IndexExpr[] i) => new Cast(zeros.At(i[1]), ElementType.Float32);
                yield return new KernelCase($"float32 quantised to {type.Name()} by channel, {length}", Sample.Map(Y(dims, type), [x, scales, zeros], i =>
                    new Cast(Add(new Unary(UnaryOp.Round, new Binary(BinaryOp.Divide, x.At(i), scales.At(i[1]))), Zero(i)), type, Saturate: true, Round: true)))
                { Value = r => r.Next(1, 90) * 1.7 };
                yield return new KernelCase($"{type.Name()} to float32 by channel, {length}", Sample.Map(Y(dims), [q, scales, zeros], i =>
                    new Binary(BinaryOp.Multiply, new Cast(new Binary(BinaryOp.Subtract, new Cast(q.At(i), ElementType.Int32), new Cast(zeros.At(i[1]), ElementType.Int32)), ElementType.Float32), scales.At(i[1]))));
                Tensor least = T("x1", channels, type);
                yield return new KernelCase($"the greater of {type.Name()}, padded, {length}", Sample.Map(Y(dims, type), [q, least], i => new Binary(
                    BinaryOp.Max, Sample.Inside([(i[2] - 2, length)], q.At(i[0], i[1], i[2] - 2), Const.Of(type, 5)), least.At(i[1]))));
            }
        }
    }

    /// <summary>Arithmetic of every type.</summary>
    private static IEnumerable<KernelCase> Types()
    {
        ElementType[] integers =
        [
            ElementType.Int8, ElementType.UInt8, ElementType.Int16, ElementType.UInt16, ElementType.Int32, ElementType.UInt32, ElementType.Int64, ElementType.UInt64,
        ];
        foreach (ElementType type in integers)
        {
            foreach (BinaryOp op in (BinaryOp[])[BinaryOp.Add, BinaryOp.Subtract, BinaryOp.Multiply, BinaryOp.Divide, BinaryOp.Remainder, BinaryOp.Min, BinaryOp.Max, BinaryOp.Power, BinaryOp.And, BinaryOp.Or, BinaryOp.Xor, BinaryOp.ShiftLeft, BinaryOp.ShiftRight])
                yield return new KernelCase($"{op} of {type.Name()}", Binary(T("x", [19], type), T("x", [19], type), op)) { Value = r => r.Next(1, 100) };
        }

        foreach (ElementType type in (ElementType[])[ElementType.Float32, ElementType.Float64, ElementType.Float16, ElementType.BFloat16])
        {
            foreach (BinaryOp op in (BinaryOp[])[BinaryOp.Add, BinaryOp.Subtract, BinaryOp.Multiply, BinaryOp.Divide, BinaryOp.Min, BinaryOp.Max])
                yield return new KernelCase($"{op} of {type.Name()}", Binary(T("x", [19], type), T("x", [19], type), op)) { Value = r => r.Next(1, 100) / 8.0 };
        }
    }
}
