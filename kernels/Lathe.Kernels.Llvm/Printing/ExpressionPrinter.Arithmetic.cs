using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Llvm.Printing;

/// <content>Operators.</content>
internal sealed partial class ExpressionPrinter
{
    /// <summary>What a kernel returns that divides by zero; the runtime reports it.</summary>
    private const int DivisionByZero = 1;

    private string Unary(Unary e)
    {
        string a = Part(e.A), type = IrType.Of(e.A.Type);
        ElementType element = e.A.Type.Element;
        int lanes = e.A.Type.Lanes;
        string suffix = IrType.Suffix(IrType.Scalar(element), lanes);
        if (element.IsFloat())
        {
            return e.Op switch
            {
                UnaryOp.Negate => writer.Value($"fneg {type} {a}"),
                UnaryOp.IsNaN => writer.Value($"fcmp uno {type} {a}, {a}"),
                UnaryOp.Abs => Exact("fabs"),
                UnaryOp.Floor => Exact("floor"),
                UnaryOp.Ceiling => Exact("ceil"),
                UnaryOp.Round => Exact("roundeven"),
                UnaryOp.Truncate => Exact("trunc"),
                UnaryOp.Sqrt => _rounding.FromFloatOrDouble(Exact("sqrt"), e.A.Type),
                UnaryOp.Not => throw new NotSupportedException($"{e.Op} of {element.Name()}."),
                UnaryOp.Sigmoid => EachLane(e.A.Type, [a], x => Sigmoid(x[0])),
                _ => EachLane(e.A.Type, [a], x => Import(e.Op.ToString(), x)),
            };
        }

        string zero = Integer(e.A.Type, 0);
        return e.Op switch
        {
            UnaryOp.Not => writer.Value($"xor {type} {a}, {(element == ElementType.Bool ? FunctionWriter.Constants("i1", lanes, _ => "true") : Integer(e.A.Type, -1))}"),
            UnaryOp.Negate => writer.Value($"sub {type} {zero}, {a}"),
            UnaryOp.Abs => element.IsUnsigned() ? a : writer.Call(type, $"llvm.abs.{suffix}", (type, a), ("i1", "false")),
            UnaryOp.Floor or UnaryOp.Ceiling or UnaryOp.Round or UnaryOp.Truncate => a,
            UnaryOp.IsNaN => FunctionWriter.Constants("i1", lanes, _ => "false"),
            _ => throw new NotSupportedException($"{e.Op} of {element.Name()}."),
        };

        string Exact(string intrinsic) => writer.Call(type, $"llvm.{intrinsic}.{suffix}", (type, a));
    }

    private string Binary(Binary e)
    {
        VectorType type = e.A.Type;
        if (type is { Element: ElementType.Bool, Lanes: 1 } && e.Op is BinaryOp.And or BinaryOp.Or && MustBeChosen(e.B))
        {
            return e.Op == BinaryOp.And
                ? writer.Choose(Part(e.A), "i1", () => Inside(e.B), () => "false")
                : writer.Choose(Part(e.A), "i1", () => "true", () => Inside(e.B));
        }

        if (e.Op is BinaryOp.ShiftLeft or BinaryOp.ShiftRight) return Shift(e);
        if (e.Op is BinaryOp.Divide or BinaryOp.Remainder && type.Element.IsInteger()) return Divide(e);
        return Combine(e.Op, type, Part(e.A), Part(e.B));
    }

    /// <summary>An operator of two values that exist.</summary>
    private string Combine(BinaryOp op, VectorType type, string a, string b)
    {
        string ir = IrType.Of(type), suffix = IrType.Suffix(IrType.Scalar(type.Element), type.Lanes);
        bool isFloat = type.Element.IsFloat(), isUnsigned = type.Element.IsUnsigned() || type.Element == ElementType.Bool;
        switch (op)
        {
            case BinaryOp.Add or BinaryOp.Subtract or BinaryOp.Multiply:
                string name = op switch { BinaryOp.Add => "add", BinaryOp.Subtract => "sub", _ => "mul" };
                return isFloat ? _rounding.FromFloatOrDouble(writer.Value($"f{name} {ir} {a}, {b}"), type) : writer.Value($"{name} {ir} {a}, {b}");
            case BinaryOp.Divide when isFloat:
                return _rounding.FromFloatOrDouble(writer.Value($"fdiv {ir} {a}, {b}"), type);
            case BinaryOp.Remainder when isFloat:
                return EachLane(type, [a, b], x => Import("Remainder", x));
            case BinaryOp.Min or BinaryOp.Max when isFloat:
                // As vminps and vmaxps: a NaN in either gives the second.
                string chosen = writer.Value($"fcmp {(op == BinaryOp.Min ? "olt" : "ogt")} {ir} {a}, {b}");
                return writer.Value($"select {IrType.WithLanes("i1", type.Lanes)} {chosen}, {ir} {a}, {ir} {b}");
            case BinaryOp.Min or BinaryOp.Max:
                return writer.Call(ir, $"llvm.{(isUnsigned ? "u" : "s")}{(op == BinaryOp.Min ? "min" : "max")}.{suffix}", (ir, a), (ir, b));
            case BinaryOp.Power when isFloat:
                return EachLane(type, [a, b], x => Import("Pow", x));
            case BinaryOp.Power when type.Lanes == 1:
                writer.Module.Help($"power.{ir}.{isUnsigned}", () => Power(ir, isUnsigned));
                return writer.Value($"call {ir} @power.{ir}.{isUnsigned}({ir} {a}, {ir} {b})");
            case BinaryOp.And or BinaryOp.Or or BinaryOp.Xor when !isFloat:
                return writer.Value($"{op.ToString().ToLowerInvariant()} {ir} {a}, {b}");
            case BinaryOp.Less or BinaryOp.LessOrEqual or BinaryOp.Equal or BinaryOp.NotEqual:
                string order = isFloat ? "o" : isUnsigned ? "u" : "s", prefix = isFloat ? "fcmp " : "icmp ";
                string predicate = op switch
                {
                    BinaryOp.Less => order + "lt",
                    BinaryOp.LessOrEqual => order + "le",
                    BinaryOp.Equal => isFloat ? "oeq" : "eq",
                    _ => isFloat ? "une" : "ne",
                };
                return writer.Value($"{prefix}{predicate} {ir} {a}, {b}");
            default:
                throw new NotSupportedException($"A {op} of {type}.");
        }
    }

    private string Fma(Fma e)
    {
        string a = Part(e.A), b = Part(e.B), c = Part(e.C), type = IrType.Of(e.Type);
        if (e.Type.Element.IsInteger()) return writer.Value($"add {type} {writer.Value($"mul {type} {a}, {b}")}, {c}");
        if (!IrType.IsHalf(e.Type.Element)) return writer.Call(type, $"llvm.fma.{IrType.Suffix(IrType.Scalar(e.Type.Element), e.Type.Lanes)}", (type, a), (type, b), (type, c));
        string wide = IrType.WithLanes("double", e.Type.Lanes);
        string Widened(string x) => writer.Value($"fpext {type} {x} to {wide}");
        return _rounding.FromDouble(writer.Call(wide, $"llvm.fma.{IrType.Suffix("double", e.Type.Lanes)}", (wide, Widened(a)), (wide, Widened(b)), (wide, Widened(c))), e.Type);
    }

    private string Shift(Binary e)
    {
        string type = IrType.Of(e.Type), a = Part(e.A), name = e.Op == BinaryOp.ShiftLeft ? "shl" : e.Type.Element.IsUnsigned() ? "lshr" : "ashr";
        int bits = IrType.Bits(e.Type.Element);
        bool keepsSign = name == "ashr";
        if (e.B is Const or Splat { A: Const })
        {
            long count = e.B is Const c ? c.Integer : ((Const)((Splat)e.B).A).Integer;
            if (count >= 0 && count < bits) return writer.Value($"{name} {type} {a}, {Integer(e.Type, count)}");
            return keepsSign ? writer.Value($"ashr {type} {a}, {Integer(e.Type, bits - 1)}") : Integer(e.Type, 0);
        }

        string b = Part(e.B), mask = IrType.WithLanes("i1", e.Type.Lanes);
        string fits = writer.Value($"icmp ult {type} {b}, {Integer(e.Type, bits)}");
        string safe = writer.Value($"select {mask} {fits}, {type} {b}, {type} {Integer(e.Type, bits - 1)}");
        string shifted = writer.Value($"{name} {type} {a}, {safe}");
        return keepsSign ? shifted : writer.Value($"select {mask} {fits}, {type} {shifted}, {type} {Integer(e.Type, 0)}");
    }

    /// <summary>Quotients of integers: by zero ends the kernel, since the processor's trap would end the process.</summary>
    private string Divide(Binary e)
    {
        if (e.Type.Lanes != 1) throw new NotSupportedException($"A {e.Op} of {e.Type}.");
        string type = IrType.Of(e.Type), a = Part(e.A), b = Part(e.B);
        bool isUnsigned = e.Type.Element.IsUnsigned(), isQuotient = e.Op == BinaryOp.Divide;
        string name = (isUnsigned ? "u" : "s") + (isQuotient ? "div" : "rem");
        if (e.B is not Const { Integer: not 0 })
        {
            string fail = writer.Name("zero"), go = writer.Name("nonzero");
            writer.Branch(writer.Value($"icmp eq {type} {b}, 0"), fail, go);
            writer.Begin(fail);
            writer.Do($"ret i32 {DivisionByZero.ToString(CultureInfo.InvariantCulture)}");
            writer.Begin(go);
        }

        if (isUnsigned || e.B is Const { Integer: not (0 or -1) }) return writer.Value($"{name} {type} {a}, {b}");
        // The least number divided by -1 is itself, and a trap of the processor.
        string isMinusOne = writer.Value($"icmp eq {type} {b}, -1");
        string result = writer.Value($"{name} {type} {a}, {writer.Value($"select i1 {isMinusOne}, {type} 1, {type} {b}")}");
        return writer.Value($"select i1 {isMinusOne}, {type} {(isQuotient ? writer.Value($"sub {type} 0, {a}") : "0")}, {type} {result}");
    }

    /// <summary>A function of float64, lane by lane, rounded once.</summary>
    private string EachLane(VectorType type, string[] operands, Func<string[], string> function)
    {
        string ir = IrType.Of(type), scalar = IrType.Scalar(type.Element), result = "undef";
        VectorType one = type.WithLanes(1);
        for (int i = 0; i < type.Lanes; i++)
        {
            string[] lane = [.. operands.Select(x => Wide(type.Lanes == 1 ? x : writer.Value($"extractelement {ir} {x}, i32 {IndexPrinter.Number(i)}")))];
            string value = _rounding.FromDouble(function(lane), one);
            result = type.Lanes == 1 ? value : writer.Value($"insertelement {ir} {result}, {scalar} {value}, i32 {IndexPrinter.Number(i)}");
        }

        return result;

        string Wide(string x) => scalar == "double" ? x : writer.Value($"fpext float {x} to double");
    }

    private string Import(string function, params string[] operands)
    {
        string address = writer.Value($"load ptr, ptr {writer.Module.Import(function)}");
        return writer.Value($"call double {address}({string.Join(", ", operands.Select(x => "double " + x))})");
    }

    private string Sigmoid(string x)
    {
        string power = Import(nameof(UnaryOp.Exp), writer.Value($"fneg double {x}"));
        return writer.Value($"fdiv double {Literal(1)}, {writer.Value($"fadd double {Literal(1)}, {power}")}");
    }

    private static string Integer(VectorType type, long value)
    {
        if (type.Element == ElementType.Bool) return FunctionWriter.Constants("i1", type.Lanes, _ => value == 0 ? "false" : "true");
        return FunctionWriter.Constants(IrType.Scalar(type.Element), type.Lanes, _ => IndexPrinter.Number(value));
    }

    /// <summary>By squaring; a negative power of an integer is 1, -1 or 0.</summary>
    private static string Power(string type, bool isUnsigned) => $"""
        define internal {type} @power.{type}.{isUnsigned}({type} %base, {type} %count) nounwind {"{"}
        entry:
          %negative = icmp {(isUnsigned ? "ult" : "slt")} {type} %count, 0
          br i1 %negative, label %reciprocal, label %loop
        reciprocal:
          %isOne = icmp eq {type} %base, 1
          %isMinusOne = icmp eq {type} %base, -1
          %low = and {type} %count, 1
          %even = icmp eq {type} %low, 0
          %sign = select i1 %even, {type} 1, {type} -1
          %ofMinusOne = select i1 %isMinusOne, {type} %sign, {type} 0
          %whole = select i1 %isOne, {type} 1, {type} %ofMinusOne
          ret {type} %whole
        loop:
          %power = phi {type} [ 1, %entry ], [ %nextPower, %body ]
          %square = phi {type} [ %base, %entry ], [ %nextSquare, %body ]
          %left = phi {type} [ %count, %entry ], [ %nextLeft, %body ]
          %done = icmp eq {type} %left, 0
          br i1 %done, label %end, label %body
        body:
          %bit = trunc {type} %left to i1
          %product = mul {type} %power, %square
          %nextPower = select i1 %bit, {type} %product, {type} %power
          %nextSquare = mul {type} %square, %square
          %nextLeft = lshr {type} %left, 1
          br label %loop
        end:
          ret {type} %power
        {"}"}
        """.ReplaceLineEndings("\n");
}
