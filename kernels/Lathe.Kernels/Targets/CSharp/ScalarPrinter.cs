using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Targets.CSharp;

/// <summary>Prints scalar expressions. A bfloat16 is computed as the float that it is, and rounded after every operation.</summary>
internal sealed class ScalarPrinter(
    Func<Expr, string> print,
    Func<IndexExpr, string> index,
    Func<string, IndexExpr, string> place,
    Func<string, string> call,
    IReadOnlyDictionary<string, ElementType> elements)
{
    public string Print(Expr expression)
    {
        switch (expression)
        {
            case Const e:
                return e.Type.Element.IsFloat() ? Literal(e.Float, e.Type.Element) : Literal(e.Integer, e.Type.Element);
            case Var e:
                return Identifiers.Of(e.Name);
            case IndexValue e:
                return e.Index.IsConstant && e.Type.Element.IsInteger() ? Literal(e.Index.Value, e.Type.Element) : $"({Types.Scalar(e.Type.Element)})({index(e.Index)})";
            case Unary e:
                return Unary(e);
            case Binary e:
                return Binary(e);
            case Select e:
                return $"({print(e.Condition)} ? {print(e.Then)} : {print(e.Else)})";
            case Fma e:
                return e.Type.Element switch
                {
                    ElementType.Float32 => $"MathF.FusedMultiplyAdd({print(e.A)}, {print(e.B)}, {print(e.C)})",
                    ElementType.Float64 => $"Math.FusedMultiplyAdd({print(e.A)}, {print(e.B)}, {print(e.C)})",
                    ElementType.Float16 => $"(Half)(Math.FusedMultiplyAdd((double){print(e.A)}, (double){print(e.B)}, (double){print(e.C)}))",
                    var type => Rounded(type, $"({print(e.A)} * {print(e.B)}) + {print(e.C)}"),
                };
            case Dot4 e:
                return $"{call(NameOf(e))}({print(e.Accumulator)}, {print(e.A)}, {print(e.B)})";
            case Cast e:
                return Cast(e);
            case Bits e:
                return Bits(e);
            case Load e:
                string read = place(e.Buffer, e.Index);
                if (elements[e.Buffer] == ElementType.BFloat16) read = $"{call("WidenBFloat16")}({read})";
                return e.Mask is null ? read : $"({print(e.Mask)} ? {read} : default)";
            case Gather e:
                read = $"{Identifiers.Of(e.Buffer)}[{print(e.Index)}]";
                if (elements[e.Buffer] == ElementType.BFloat16) read = $"{call("WidenBFloat16")}({read})";
                return e.Mask is null ? read : $"({print(e.Mask)} ? {read} : default)";
            default:
                throw new NotSupportedException($"A scalar {expression.GetType().Name}.");
        }
    }

    /// <summary>The function of a dot product of bytes.</summary>
    public static string NameOf(Dot4 e) => $"Dot4Of{(e.SignedA ? "Signed" : "Unsigned")}{(e.SignedB ? "Signed" : "Unsigned")}";

    /// <summary>A floating-point literal that reads back to the same value.</summary>
    public static string Literal(double value, ElementType type)
    {
        string name = type switch { ElementType.Float64 => "double", ElementType.Float16 => "Half", _ => "float" };
        if (double.IsNaN(value)) return $"{name}.NaN";
        if (double.IsPositiveInfinity(value)) return $"{name}.PositiveInfinity";
        if (double.IsNegativeInfinity(value)) return $"{name}.NegativeInfinity";
        string text = type == ElementType.Float64 ? value.ToString("R", CultureInfo.InvariantCulture) : ((float)value).ToString("R", CultureInfo.InvariantCulture);
        string literal = type == ElementType.Float64 ? text + "d" : text + "f";
        if (type == ElementType.Float16) return $"(Half)({literal})";
        return text[0] == '-' ? $"({literal})" : literal;
    }

    private static string Literal(long value, ElementType type)
    {
        string text = value.ToString(CultureInfo.InvariantCulture);
        return type switch
        {
            ElementType.Bool => value != 0 ? "true" : "false",
            ElementType.Int64 => value == long.MinValue ? "long.MinValue" : value < 0 ? $"({text}L)" : text + "L",
            ElementType.UInt64 => unchecked((ulong)value).ToString(CultureInfo.InvariantCulture) + "UL",
            ElementType.UInt32 => text + "U",
            ElementType.Int32 => value == int.MinValue ? "int.MinValue" : value < 0 ? $"({text})" : text,
            _ => $"unchecked(({Types.Scalar(type)})({text}))",
        };
    }

    private string Rounded(ElementType type, string value) => type switch
    {
        ElementType.BFloat16 => $"{call("RoundBFloat16")}({value})",
        ElementType.Float16 => $"(Half)({value})",
        _ when Types.IsNarrow(type) => $"unchecked(({Types.Scalar(type)})({value}))",
        _ => $"({value})",
    };

    private string Unary(Unary e)
    {
        string a = print(e.A);
        ElementType type = e.A.Type.Element;
        if (type is ElementType.Float16 or ElementType.BFloat16)
        {
            if (e.Op == UnaryOp.IsNaN) return type == ElementType.Float16 ? $"Half.IsNaN({a})" : $"float.IsNaN({a})";
            return Rounded(type, Float(e.Op, $"(float){a}", ElementType.Float32));
        }

        if (type.IsFloat()) return Float(e.Op, a, type);
        return e.Op switch
        {
            UnaryOp.Not when type == ElementType.Bool => $"(!{a})",
            UnaryOp.Not => Rounded(type, $"~{a}"),
            UnaryOp.Negate when type is ElementType.UInt32 or ElementType.UInt64 => $"unchecked(0 - {a})",
            UnaryOp.Negate => Rounded(type, $"-{a}"),
            UnaryOp.Abs when type.IsUnsigned() => a,
            UnaryOp.Abs => Rounded(type, $"{call("Magnitude")}({a})"),
            UnaryOp.Floor or UnaryOp.Ceiling or UnaryOp.Round or UnaryOp.Truncate => a,
            UnaryOp.IsNaN => "false",
            _ => throw new NotSupportedException($"{e.Op} of {type.Name()}."),
        };
    }

    /// <summary>Functions are computed in double and rounded once, so that they are the same everywhere.</summary>
    private string Float(UnaryOp op, string a, ElementType type)
    {
        (string math, string name) = type == ElementType.Float64 ? ("Math", "double") : ("MathF", "float");
        switch (op)
        {
            case UnaryOp.Negate:
                return $"(-{a})";
            case UnaryOp.IsNaN:
                return $"{name}.IsNaN({a})";
            case UnaryOp.Sqrt or UnaryOp.Floor or UnaryOp.Ceiling or UnaryOp.Round or UnaryOp.Truncate or UnaryOp.Abs:
                return $"{math}.{op}({a})";
            case UnaryOp.Not:
                throw new NotSupportedException($"{op} of {type.Name()}.");
            case UnaryOp.Sigmoid or UnaryOp.Erf:
                return type == ElementType.Float64 ? $"{call(op.ToString())}({a})" : $"((float){call(op.ToString())}({a}))";
            default:
                return type == ElementType.Float64 ? $"Math.{op}({a})" : $"((float)Math.{op}({a}))";
        }
    }

    private string Binary(Binary e)
    {
        ElementType type = e.A.Type.Element;
        bool isIndex = e.A is IndexValue or Const && e.B is IndexValue or Const && type.IsInteger() && e.Op >= BinaryOp.Less;
        // Comparisons of indices stay native integers.
        string a = isIndex ? Native(e.A) : print(e.A), b = isIndex ? Native(e.B) : print(e.B);
        bool isFloat = type.IsFloat();
        string scalar = Types.Scalar(type);
        switch (e.Op)
        {
            case BinaryOp.Add:
                return Rounded(type, $"{a} + {b}");
            case BinaryOp.Subtract:
                return Rounded(type, $"{a} - {b}");
            case BinaryOp.Multiply:
                return Rounded(type, $"{a} * {b}");
            case BinaryOp.Divide:
                return isFloat || type.IsUnsigned() ? Rounded(type, $"{a} / {b}") : $"({scalar}){call("Divide")}({a}, {b})";
            case BinaryOp.Remainder:
                return isFloat || type.IsUnsigned() ? Rounded(type, $"{a} % {b}") : $"({scalar}){call("Remainder")}({a}, {b})";
            case BinaryOp.Min or BinaryOp.Max:
                return type == ElementType.Float32 ? $"{call(e.Op + "Float")}({a}, {b})" : $"{call(e.Op + "Any")}<{scalar}>({a}, {b})";
            case BinaryOp.Power:
                return type switch
                {
                    ElementType.Float32 => $"((float)Math.Pow({a}, {b}))",
                    ElementType.Float64 => $"Math.Pow({a}, {b})",
                    ElementType.Float16 or ElementType.BFloat16 => Rounded(type, $"(float)Math.Pow((double){a}, (double){b})"),
                    _ => $"{call("Power")}<{scalar}>({a}, {b})",
                };
            case BinaryOp.And or BinaryOp.Or or BinaryOp.Xor:
                string symbol = e.Op == BinaryOp.And ? "&" : e.Op == BinaryOp.Or ? "|" : "^";
                // The right side of a logical operator may only be readable where the left one allows it.
                if (type == ElementType.Bool && e.Op != BinaryOp.Xor) symbol += symbol;
                return Rounded(type, $"{a} {symbol} {b}");
            case BinaryOp.ShiftLeft or BinaryOp.ShiftRight:
                return Shift(e, a, b, type);
            case BinaryOp.Less:
                return $"({a} < {b})";
            case BinaryOp.LessOrEqual:
                return $"({a} <= {b})";
            case BinaryOp.Equal:
                return $"({a} == {b})";
            case BinaryOp.NotEqual:
                return $"({a} != {b})";
            default:
                throw new NotSupportedException(e.Op.ToString());
        }

        string Native(Expr x) => x is IndexValue v ? index(v.Index) : ((Const)x).Integer.ToString(CultureInfo.InvariantCulture);
    }

    private string Shift(Binary e, string a, string b, ElementType type)
    {
        int bits = Types.BitCount(type);
        bool isLeft = e.Op == BinaryOp.ShiftLeft;
        if (e.B is Const count)
        {
            if (count.Integer >= bits || count.Integer < 0) return Rounded(type, $"({Types.Scalar(type)})({(isLeft || type.IsUnsigned() ? "0" : $"({a} < 0 ? -1 : 0)")})");
            return Rounded(type, $"{a} {(isLeft ? "<<" : ">>")} {count.Integer.ToString(CultureInfo.InvariantCulture)}");
        }

        return $"{call(isLeft ? "ShiftLeft" : "ShiftRight")}<{Types.Scalar(type)}>({a}, {b}, {bits})";
    }

    private string Cast(Cast e)
    {
        (ElementType from, ElementType to) = (e.A.Type.Element, e.To.Element);
        string a = print(e.A);
        if (from == to) return a;
        if (from == ElementType.Bool) return to == ElementType.Float16 ? $"({a} ? (Half)1f : (Half)0f)" : $"({Types.Scalar(to)})({a} ? 1 : 0)";
        if (to == ElementType.Bool) return from == ElementType.Float16 ? $"((float){a} != 0f)" : $"({a} != 0)";
        if (to == ElementType.BFloat16) return $"{call("RoundBFloat16")}((float){a})";
        if (from.IsFloat() && to.IsInteger())
        {
            if (e.Round) a = from == ElementType.Float64 ? $"Math.Round({a})" : $"MathF.Round((float){a})";
            // Without saturation the value is known to fit.
            return e.Saturate ? $"{Types.Scalar(to)}.CreateSaturating({a})" : $"unchecked(({Types.Scalar(to)}){a})";
        }

        if (e.Saturate && from.IsInteger() && to.IsInteger()) return $"{Types.Scalar(to)}.CreateSaturating({a})";
        // A float16 converts through float, as its operators do.
        if (to == ElementType.Float16) return $"(Half)({a})";
        return $"unchecked(({Types.Scalar(to)})({a}))";
    }

    private string Bits(Bits e)
    {
        string a = print(e.A);
        return (e.A.Type.Element, e.To.Element) switch
        {
            (ElementType.Float32, ElementType.Int32) => $"BitConverter.SingleToInt32Bits({a})",
            (ElementType.Float32, ElementType.UInt32) => $"BitConverter.SingleToUInt32Bits({a})",
            (ElementType.Int32, ElementType.Float32) => $"BitConverter.Int32BitsToSingle({a})",
            (ElementType.UInt32, ElementType.Float32) => $"BitConverter.UInt32BitsToSingle({a})",
            (ElementType.Float64, ElementType.Int64) => $"BitConverter.DoubleToInt64Bits({a})",
            (ElementType.Int64, ElementType.Float64) => $"BitConverter.Int64BitsToDouble({a})",
            (ElementType.Float16, ElementType.UInt16) => $"BitConverter.HalfToUInt16Bits({a})",
            (ElementType.UInt16, ElementType.Float16) => $"BitConverter.UInt16BitsToHalf({a})",
            (ElementType.Float16, ElementType.Int16) => $"BitConverter.HalfToInt16Bits({a})",
            (ElementType.Int16, ElementType.Float16) => $"BitConverter.Int16BitsToHalf({a})",
            // A bfloat16 is computed in the upper half of a float.
            (ElementType.BFloat16, ElementType.Int16) => $"unchecked((short)(BitConverter.SingleToUInt32Bits({a}) >> 16))",
            (ElementType.Int16, ElementType.BFloat16) => $"BitConverter.Int32BitsToSingle({a} << 16)",
            (var from, var to) when from.IsInteger() && to.IsInteger() => $"unchecked(({Types.Scalar(to)})({a}))",
            (var from, var to) => throw new NotSupportedException($"The bits of {from.Name()} as {to.Name()}."),
        };
    }
}
