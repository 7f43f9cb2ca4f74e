using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Interpretation;

/// <content>Arithmetic, types and lanes.</content>
internal sealed partial class ExprCompiler
{
    private LaneCode OfUnary(Unary unary, Scope scope)
    {
        LaneCode a = Part(unary.A, scope);
        UnaryOp op = unary.Op;
        ElementType element = a.Type.Element;
        if (a.Float is { } x)
        {
            Require(op != UnaryOp.Not, $"has {op} of a {a.Type}");
            return op == UnaryOp.IsNaN
                ? new LaneCode(unary.Type, (f, i) => double.IsNaN(x(f, i)) ? 1 : 0)
                : new LaneCode(unary.Type, (f, i) => LaneArithmetic.Float(op, element, x(f, i)));
        }

        IntegerLane y = a.Integer!;
        Require(op is UnaryOp.Not || (element != ElementType.Bool && op is UnaryOp.Negate or UnaryOp.Abs), $"has {op} of a {a.Type}");
        return new LaneCode(unary.Type, (f, i) => LaneArithmetic.Integer(op, element, y(f, i)));
    }

    private LaneCode OfBinary(Binary binary, Scope scope)
    {
        LaneCode left = Part(binary.A, scope), right = Part(binary.B, scope);
        BinaryOp op = binary.Op;
        ElementType element = left.Type.Element;
        Require(left.Type == right.Type, $"has {op} of {left.Type} and {right.Type}");
        if (left.Float is { } a && right.Float is { } b)
        {
            Require(op is <= BinaryOp.Power or >= BinaryOp.Less, $"has {op} of a {left.Type}");
            if (op >= BinaryOp.Less) return new LaneCode(binary.Type, (f, i) => LaneArithmetic.Compare(op, a(f, i), b(f, i)) ? 1 : 0);
            return (op, element) switch
            {
                (BinaryOp.Add, ElementType.Float32) => new LaneCode(binary.Type, (f, i) => (float)a(f, i) + (float)b(f, i)),
                (BinaryOp.Multiply, ElementType.Float32) => new LaneCode(binary.Type, (f, i) => (float)a(f, i) * (float)b(f, i)),
                _ => new LaneCode(binary.Type, (f, i) => LaneArithmetic.Float(op, element, a(f, i), b(f, i))),
            };
        }

        IntegerLane c = left.Integer!, d = right.Integer!;
        bool logical = op is BinaryOp.And or BinaryOp.Or or BinaryOp.Xor or BinaryOp.Equal or BinaryOp.NotEqual;
        Require(element != ElementType.Bool || logical, $"has {op} of a {left.Type}");
        return op >= BinaryOp.Less
            ? new LaneCode(binary.Type, (f, i) => LaneArithmetic.Compare(op, element, c(f, i), d(f, i)) ? 1 : 0)
            : new LaneCode(binary.Type, (f, i) => LaneArithmetic.Integer(op, element, c(f, i), d(f, i)));
    }

    private LaneCode OfSelect(Select select, Scope scope)
    {
        LaneCode condition = Part(select.Condition, scope), then = Part(select.Then, scope), otherwise = Part(select.Else, scope);
        Require(then.Type == otherwise.Type, $"selects between {then.Type} and {otherwise.Type}");
        Require(condition.Type == new VectorType(ElementType.Bool, then.Type.Lanes), $"selects a {then.Type} by a {condition.Type}");
        IntegerLane choice = condition.Integer!;
        if (then.Float is { } a && otherwise.Float is { } b) return new LaneCode(then.Type, (f, i) => choice(f, i) != 0 ? a(f, i) : b(f, i));
        IntegerLane c = then.Integer!, d = otherwise.Integer!;
        return new LaneCode(then.Type, (f, i) => choice(f, i) != 0 ? c(f, i) : d(f, i));
    }

    private LaneCode OfFma(Fma fma, Scope scope)
    {
        LaneCode left = Part(fma.A, scope), right = Part(fma.B, scope), addend = Part(fma.C, scope);
        VectorType type = addend.Type;
        Require(left.Type == type && right.Type == type, $"has a fused multiply-add of {left.Type}, {right.Type} and {type}");
        ElementType element = type.Element;
        if (left.Float is { } a && right.Float is { } b && addend.Float is { } c)
        {
            return element == ElementType.Float32
                ? new LaneCode(type, (f, i) => MathF.FusedMultiplyAdd((float)a(f, i), (float)b(f, i), (float)c(f, i)))
                : new LaneCode(type, (f, i) => LaneArithmetic.Fma(element, a(f, i), b(f, i), c(f, i)));
        }

        Require(element.IsInteger(), $"has a fused multiply-add of a {type}");
        IntegerLane x = left.Integer!, y = right.Integer!, z = addend.Integer!;
        return new LaneCode(type, (f, i) => LaneArithmetic.Wrap(element, unchecked((x(f, i) * y(f, i)) + z(f, i))));
    }

    private LaneCode OfDot4(Dot4 dot, Scope scope)
    {
        LaneCode sum = Part(dot.Accumulator, scope), left = Part(dot.A, scope), right = Part(dot.B, scope);
        bool words = Words(left.Type, sum.Type.Lanes) && Words(right.Type, sum.Type.Lanes);
        Require(sum.Type.Element == ElementType.Int32 && words, $"has a dot4 of {left.Type} and {right.Type} onto {sum.Type}");
        IntegerLane acc = sum.Integer!, a = left.Integer!, b = right.Integer!;
        (bool signedA, bool signedB) = (dot.SignedA, dot.SignedB);
        return new LaneCode(sum.Type, (f, i) =>
        {
            long x = a(f, i), y = b(f, i), total = acc(f, i);
            for (int part = 0; part < 32; part += 8) total += Byte(x >> part, signedA) * Byte(y >> part, signedB);
            return (int)total;
        });
    }

    private LaneCode OfDot2(Dot2 dot, Scope scope)
    {
        LaneCode sum = Part(dot.Accumulator, scope), left = Part(dot.A, scope), right = Part(dot.B, scope);
        bool words = Words(left.Type, sum.Type.Lanes) && Words(right.Type, sum.Type.Lanes);
        bool known = (dot.Halves, sum.Type.Element) is (ElementType.BFloat16, ElementType.Float32) or (ElementType.Int16, ElementType.Int32);
        Require(words && known, $"has a dot2 by {dot.Halves.Name()} of {left.Type} and {right.Type} onto {sum.Type}");
        IntegerLane a = left.Integer!, b = right.Integer!;
        if (sum.Float is { } acc)
        {
            return new LaneCode(sum.Type, (f, i) =>
            {
                long x = a(f, i), y = b(f, i);
                float upper = MathF.FusedMultiplyAdd(Half(x >> 16), Half(y >> 16), (float)acc(f, i));
                return MathF.FusedMultiplyAdd(Half(x), Half(y), upper);
            });
        }

        IntegerLane total = sum.Integer!;
        return new LaneCode(sum.Type, (f, i) =>
        {
            long x = a(f, i), y = b(f, i);
            return (int)(total(f, i) + ((short)x * (long)(short)y) + ((short)(x >> 16) * (long)(short)(y >> 16)));
        });
    }

    private static float Half(long bits) => (float)LaneArithmetic.FromBFloat16((ushort)bits);

    private static long Byte(long bits, bool signed) => signed ? (sbyte)bits : (byte)bits;

    private static bool Words(VectorType type, int lanes) => type.Lanes == lanes && type.Element is ElementType.Int32 or ElementType.UInt32;

    private LaneCode OfCast(Cast cast, Scope scope)
    {
        LaneCode a = Part(cast.A, scope);
        (ElementType from, ElementType to) = (a.Type.Element, cast.To.Element);
        (bool saturate, bool round) = (cast.Saturate, cast.Round);
        Require(a.Type.Lanes == cast.To.Lanes, $"casts {a.Type} to {cast.To}");
        if (a.Float is { } x)
        {
            if (to.IsFloat()) return new LaneCode(cast.To, (f, i) => LaneArithmetic.Round(to, x(f, i)));
            if (to == ElementType.Bool) return new LaneCode(cast.To, (f, i) => x(f, i) != 0 ? 1 : 0);
            return new LaneCode(cast.To, (f, i) =>
            {
                double value = x(f, i);
                return LaneArithmetic.ToInteger(to, value, round, saturate) ?? throw new InterpreterException($"casts {value} to {to.Name()} without saturation");
            });
        }

        IntegerLane y = a.Integer!;
        if (to.IsFloat()) return new LaneCode(cast.To, (f, i) => LaneArithmetic.ToFloat(from, to, y(f, i)));
        if (to == ElementType.Bool) return new LaneCode(cast.To, (f, i) => y(f, i) != 0 ? 1 : 0);
        return new LaneCode(cast.To, (f, i) => LaneArithmetic.ToInteger(from, to, y(f, i), saturate));
    }

    private LaneCode OfSplat(Splat splat, Scope scope)
    {
        LaneCode a = Part(splat.A, scope);
        Require(a.Type.Lanes == 1, $"splats a {a.Type}");
        if (a.Float is { } x) return new LaneCode(splat.Type, (f, _) => x(f, 0));
        IntegerLane y = a.Integer!;
        return new LaneCode(splat.Type, (f, _) => y(f, 0));
    }

    private static LaneCode OfFirstLanes(FirstLanes first, Scope scope)
    {
        IndexCode count = IndexCompiler.Compile(first.Count, scope);
        return new LaneCode(first.Type, (f, i) => i < count(f) ? 1 : 0);
    }

    private LaneCode OfShuffle(Shuffle shuffle, Scope scope)
    {
        LaneCode left = Part(shuffle.A, scope), right = Part(shuffle.B, scope);
        Require(left.Type == right.Type, $"shuffles {left.Type} and {right.Type}");
        int lanes = left.Type.Lanes;
        Require(shuffle.Pattern.Items.All(p => p >= 0 && p < 2 * lanes), $"shuffles beyond {2 * lanes} lanes");
        int[] pattern = [.. shuffle.Pattern];
        if (left.Float is { } a && right.Float is { } b)
            return new LaneCode(shuffle.Type, (f, i) => pattern[i] < lanes ? a(f, pattern[i]) : b(f, pattern[i] - lanes));
        IntegerLane c = left.Integer!, d = right.Integer!;
        return new LaneCode(shuffle.Type, (f, i) => pattern[i] < lanes ? c(f, pattern[i]) : d(f, pattern[i] - lanes));
    }

    private LaneCode OfReduce(Reduce reduce, Scope scope)
    {
        LaneCode a = Part(reduce.A, scope);
        (BinaryOp op, ElementType element, int lanes) = (reduce.Op, a.Type.Element, a.Type.Lanes);
        bool logical = op is BinaryOp.And or BinaryOp.Or or BinaryOp.Xor;
        bool arithmetic = op is BinaryOp.Add or BinaryOp.Multiply or BinaryOp.Min or BinaryOp.Max;
        Require((lanes & (lanes - 1)) == 0, $"reduces {lanes} lanes, no power of two");
        Require(element == ElementType.Bool ? logical : arithmetic || (logical && element.IsInteger()), $"reduces a {a.Type} by {op}");
        if (a.Float is { } x) return new LaneCode(reduce.Type, (f, _) => Halves(lanes, i => x(f, i), (p, q) => LaneArithmetic.Float(op, element, p, q)));
        IntegerLane y = a.Integer!;
        return new LaneCode(reduce.Type, (f, _) => Halves(lanes, i => y(f, i), (p, q) => LaneArithmetic.Integer(op, element, p, q)));
    }

    private static T Halves<T>(int lanes, Func<int, T> lane, Func<T, T, T> combine)
    {
        T[] values = new T[lanes];
        for (int i = 0; i < lanes; i++) values[i] = lane(i);
        for (int half = lanes / 2; half > 0; half /= 2)
            for (int i = 0; i < half; i++) values[i] = combine(values[i], values[i + half]);
        return values[0];
    }
}
