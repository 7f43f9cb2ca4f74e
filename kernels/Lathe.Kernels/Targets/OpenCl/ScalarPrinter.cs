using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Targets.OpenCl;

/// <summary>Prints scalar expressions. A float of 16 bits is computed as the float that it is, and rounded after every operation.</summary>
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
                    ElementType.Float32 or ElementType.Float64 => $"fma({print(e.A)}, {print(e.B)}, {print(e.C)})",
                    ElementType.Float16 => $"{call("RoundDoubleToHalf")}(fma((double){print(e.A)}, (double){print(e.B)}, (double){print(e.C)}))",
                    var type => Rounded(type, $"({print(e.A)} * {print(e.B)}) + {print(e.C)}"),
                };
            case Dot4 e:
                return $"{call(NameOf(e))}_int({print(e.Accumulator)}, {print(e.A)}, {print(e.B)})";
            case Cast e:
                return Cast(e);
            case Bits e:
                return Bits(e);
            case Load e:
                string read = Read(e.Buffer, place(e.Buffer, e.Index));
                return e.Mask is null ? read : $"({print(e.Mask)} ? {read} : 0)";
            case Gather e:
                read = Read(e.Buffer, $"{Identifiers.Of(e.Buffer)}[{print(e.Index)}]");
                return e.Mask is null ? read : $"({print(e.Mask)} ? {read} : 0)";
            default:
                throw new NotSupportedException($"A scalar {expression.GetType().Name}.");
        }
    }

    /// <summary>What is in memory, in the type that it is computed in.</summary>
    public string Read(string buffer, string element) => elements[buffer] switch
    {
        ElementType.BFloat16 => $"{call("WidenBFloat16")}({element})",
        ElementType.Float16 => $"{call("WidenFloat16")}({element})",
        ElementType.Bool => $"({element} != 0)",
        _ => element,
    };

    /// <summary>A value in the type of memory.</summary>
    public string Written(ElementType element, string value) => element switch
    {
        ElementType.BFloat16 => $"{call("NarrowBFloat16")}({value})",
        ElementType.Float16 => $"{call("NarrowFloat16")}({value})",
        _ => value,
    };

    /// <summary>The function of a dot product of bytes.</summary>
    public static string NameOf(Dot4 e) => $"Dot4Of{(e.SignedA ? "Signed" : "Unsigned")}{(e.SignedB ? "Signed" : "Unsigned")}";

    /// <summary>A floating-point literal that reads back to the same value.</summary>
    public static string Literal(double value, ElementType type)
    {
        bool isDouble = type == ElementType.Float64;
        if (double.IsNaN(value)) return isDouble ? "((double)NAN)" : "NAN";
        if (double.IsInfinity(value)) return $"({(value < 0 ? "-" : "")}{(isDouble ? "(double)" : "")}INFINITY)";
        string text = isDouble ? value.ToString("R", CultureInfo.InvariantCulture) : ((float)value).ToString("R", CultureInfo.InvariantCulture);
        if (!text.Contains('.', StringComparison.Ordinal) && !text.Contains('E', StringComparison.Ordinal)) text += ".0";
        if (!isDouble) text += "f";
        return text[0] == '-' ? $"({text})" : text;
    }

    private static string Literal(long value, ElementType type)
    {
        string text = value.ToString(CultureInfo.InvariantCulture);
        return type switch
        {
            ElementType.Bool => value != 0 ? "true" : "false",
            ElementType.Int64 => value == long.MinValue ? "LONG_MIN" : value < 0 ? $"({text}l)" : text + "l",
            ElementType.UInt64 => unchecked((ulong)value).ToString(CultureInfo.InvariantCulture) + "ul",
            ElementType.UInt32 => text + "u",
            ElementType.Int32 => value == int.MinValue ? "INT_MIN" : value < 0 ? $"({text})" : text,
            _ => value < 0 ? $"({text})" : text,
        };
    }

    private string Rounded(ElementType type, string value) => type switch
    {
        ElementType.BFloat16 => $"{call("RoundBFloat16")}({value})",
        ElementType.Float16 => $"{call("RoundFloat16")}({value})",
        _ when Types.IsNarrow(type) => $"(({Types.Scalar(type)})({value}))",
        _ => $"({value})",
    };

    private string Unary(Unary e)
    {
        string a = print(e.A);
        ElementType type = e.A.Type.Element;
        if (type.IsFloat())
        {
            string value = Float(e.Op, a, type);
            return e.Op != UnaryOp.IsNaN && type is ElementType.Float16 or ElementType.BFloat16 ? Rounded(type, value) : value;
        }

        return e.Op switch
        {
            UnaryOp.Not when type == ElementType.Bool => $"(!{a})",
            UnaryOp.Not => Rounded(type, $"~{a}"),
            UnaryOp.Negate => Wrapped(type, $"0 - ({Types.Unsigned(type)}){a}"),
            UnaryOp.Abs when type.IsUnsigned() => a,
            UnaryOp.Abs => $"(({Types.Scalar(type)})abs({a}))",
            UnaryOp.Floor or UnaryOp.Ceiling or UnaryOp.Round or UnaryOp.Truncate => a,
            UnaryOp.IsNaN => "false",
            _ => throw new NotSupportedException($"{e.Op} of {type.Name()}."),
        };
    }

    /// <summary>Functions are computed in double and rounded once, so that they are nearly the same everywhere.</summary>
    private string Float(UnaryOp op, string a, ElementType type)
    {
        bool isDouble = type == ElementType.Float64;
        switch (op)
        {
            case UnaryOp.Negate:
                return $"(-{a})";
            case UnaryOp.IsNaN:
                return $"({call("IsNaN")}_{(isDouble ? "double" : "float")}({a}))";
            case UnaryOp.Sqrt:
                return $"sqrt({a})";
            case UnaryOp.Floor or UnaryOp.Ceiling or UnaryOp.Round or UnaryOp.Truncate or UnaryOp.Abs:
                return $"{FunctionOf(op)}({a})";
            case UnaryOp.Not:
                throw new NotSupportedException($"{op} of {type.Name()}.");
            default:
                string function = op == UnaryOp.Sigmoid ? call("Sigmoid") + "_double" : FunctionOf(op);
                return isDouble ? $"{function}({a})" : $"((float){function}((double){a}))";
        }
    }

    /// <summary>The built-in function of an operator.</summary>
    public static string FunctionOf(UnaryOp op) => op switch
    {
        UnaryOp.Abs => "fabs",
        UnaryOp.Ceiling => "ceil",
        UnaryOp.Round => "rint",
        UnaryOp.Truncate => "trunc",
        _ => op.ToString().ToLowerInvariant(),
    };

    private string Binary(Binary e)
    {
        ElementType type = e.A.Type.Element;
        bool isIndex = e.A is IndexValue or Const && e.B is IndexValue or Const && type.IsInteger() && e.Op >= BinaryOp.Less;
        // Comparisons of indices stay those of 64 bits.
        string a = isIndex ? Native(e.A) : print(e.A), b = isIndex ? Native(e.B) : print(e.B);
        bool isFloat = type.IsFloat();
        string scalar = Types.Scalar(type);
        switch (e.Op)
        {
            case BinaryOp.Add or BinaryOp.Subtract or BinaryOp.Multiply:
                string symbol = e.Op switch { BinaryOp.Add => "+", BinaryOp.Subtract => "-", _ => "*" };
                // Of 16 bits even the product of two unsigned ones overflows int.
                return isFloat ? Rounded(type, $"{a} {symbol} {b}")
                    : Types.IsNarrow(type) ? $"(({scalar})((uint){a} {symbol} (uint){b}))"
                    : Wrapped(type, $"({Types.Unsigned(type)}){a} {symbol} ({Types.Unsigned(type)}){b}");
            case BinaryOp.Divide:
                return isFloat || type.IsUnsigned() ? Rounded(type, $"{a} / {b}") : $"{call("Divide_" + scalar)}({a}, {b})";
            case BinaryOp.Remainder:
                return isFloat ? Rounded(type, $"fmod({a}, {b})") : type.IsUnsigned() ? Rounded(type, $"{a} % {b}") : $"{call("Remainder_" + scalar)}({a}, {b})";
            case BinaryOp.Min or BinaryOp.Max:
                return $"{call($"{e.Op}_{scalar}")}({a}, {b})";
            case BinaryOp.Power:
                return type == ElementType.Float64 ? $"pow({a}, {b})"
                    : isFloat ? Rounded(type, $"(float)pow((double){a}, (double){b})")
                    : $"{call("Power_" + scalar)}({a}, {b})";
            case BinaryOp.And or BinaryOp.Or or BinaryOp.Xor:
                symbol = e.Op == BinaryOp.And ? "&" : e.Op == BinaryOp.Or ? "|" : "^";
                // The right side of a logical operator may only be readable where the left one allows it.
                if (type == ElementType.Bool) symbol = e.Op == BinaryOp.Xor ? "!=" : symbol + symbol;
                return Rounded(type, $"{a} {symbol} {b}");
            case BinaryOp.ShiftLeft or BinaryOp.ShiftRight:
                return $"{call($"{e.Op}_{scalar}")}({a}, {b})";
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

        string Native(Expr x) => x is IndexValue v ? $"({index(v.Index)})" : Literal(((Const)x).Integer, ElementType.Int64);
    }

    private static string Wrapped(ElementType type, string value) => $"(({Types.Scalar(type)})({value}))";

    private string Cast(Cast e)
    {
        (ElementType from, ElementType to) = (e.A.Type.Element, e.To.Element);
        string a = print(e.A);
        if (from == to) return a;
        if (from == ElementType.Bool) return $"(({Types.Scalar(to)})({a} ? 1 : 0))";
        if (to == ElementType.Bool) return $"({a} != 0)";
        if (to is ElementType.BFloat16 or ElementType.Float16)
        {
            // By the neighbour whose last bit is 1, so that only the second rounding counts.
            bool isWide = from is ElementType.Float64 || (from.IsInteger() && !Types.IsNarrow(from));
            return Rounded(to, isWide ? $"{call("RoundToOdd")}((double){a})" : $"(float){a}");
        }

        string wide = from == ElementType.Float64 ? "double" : "float";
        if (from.IsFloat() && to.IsInteger())
        {
            if (e.Round) a = $"rint({a})";
            // Without saturation the value is known to fit.
            return e.Saturate ? $"{call($"Saturate_{wide}_{Types.Scalar(to)}")}({a})"
                : Types.IsNarrow(to) ? $"(({Types.Scalar(to)})(int)({a}))" : $"(({Types.Scalar(to)})({a}))";
        }

        if (e.Saturate && from.IsInteger() && to.IsInteger()) return $"convert_{Types.Scalar(to)}_sat({a})";
        return $"(({Types.Scalar(to)})({a}))";
    }

    private string Bits(Bits e)
    {
        string a = print(e.A);
        return (e.A.Type.Element, e.To.Element) switch
        {
            (ElementType.Float16, ElementType.UInt16 or ElementType.Int16) => $"(({Types.Scalar(e.To.Element)}){call("NarrowFloat16")}({a}))",
            (ElementType.BFloat16, ElementType.UInt16 or ElementType.Int16) => $"(({Types.Scalar(e.To.Element)})(as_uint({a}) >> 16))",
            (ElementType.UInt16 or ElementType.Int16, ElementType.Float16) => $"{call("WidenFloat16")}((ushort){a})",
            (ElementType.UInt16 or ElementType.Int16, ElementType.BFloat16) => $"{call("WidenBFloat16")}((ushort){a})",
            (var from, var to) when from.IsInteger() && to.IsInteger() => $"(({Types.Scalar(to)})({a}))",
            (_, var to) => $"as_{Types.Scalar(to)}({a})",
        };
    }
}
