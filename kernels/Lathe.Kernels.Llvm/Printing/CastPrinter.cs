using System.Globalization;
using System.Numerics;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>Prints conversions.</summary>
internal sealed class CastPrinter(FunctionWriter writer, Rounding rounding)
{
    /// <summary>The conversion of a printed operand.</summary>
    public string Print(string a, Cast e)
    {
        VectorType source = e.A.Type, to = e.To;
        (ElementType from, ElementType element) = (source.Element, to.Element);
        if (from == element) return a;
        string fromType = IrType.Of(source), toType = IrType.Of(to), mask = IrType.WithLanes("i1", to.Lanes);
        if (from == ElementType.Bool)
        {
            if (element.IsInteger()) return writer.Value($"zext {fromType} {a} to {toType}");
            string One(double value) => FunctionWriter.Constants(IrType.Scalar(element), to.Lanes, _ => ExpressionPrinter.Literal(value));
            return writer.Value($"select {mask} {a}, {toType} {One(1)}, {toType} {One(0)}");
        }

        if (element == ElementType.Bool)
            return writer.Value($"{(from.IsFloat() ? "fcmp une" : "icmp ne")} {fromType} {a}, {Zero(source)}");
        if (from.IsFloat()) return element.IsFloat() ? OfFloat(a, source, to) : ToInteger(a, e);
        return element.IsFloat() ? FromInteger(a, source, to) : Resize(a, e);
    }

    private static string Zero(VectorType type) => FunctionWriter.Constants(IrType.Scalar(type.Element), type.Lanes, _ => type.Element.IsFloat() ? ExpressionPrinter.Literal(0) : "0");

    private string OfFloat(string a, VectorType from, VectorType to)
    {
        if (from.Element == ElementType.Float64) return rounding.FromDouble(a, to);
        return to.Element == ElementType.Float64 ? writer.Value($"fpext {IrType.Of(from)} {a} to {IrType.Of(to)}") : rounding.FromFloat(a, to);
    }

    private string FromInteger(string a, VectorType from, VectorType to)
    {
        string convert = from.Element.IsUnsigned() ? "uitofp" : "sitofp";
        if (!IrType.IsHalf(to.Element)) return writer.Value($"{convert} {IrType.Of(from)} {a} to {IrType.Of(to)}");
        // Small integers are floats as they are.
        if (IrType.Bits(from.Element) <= 16) return rounding.FromFloat(writer.Value($"{convert} {IrType.Of(from)} {a} to {IrType.Of(to)}"), to);
        return rounding.FromDouble(writer.Value($"{convert} {IrType.Of(from)} {a} to {IrType.WithLanes("double", to.Lanes)}"), to);
    }

    private string ToInteger(string a, Cast e)
    {
        VectorType source = e.A.Type, to = e.To;
        string from = IrType.Of(source), scalar = IrType.Scalar(source.Element), suffix = IrType.Suffix(scalar, to.Lanes);
        if (e.Round && !e.Saturate && scalar == "float" && to.Element == ElementType.Int32 && to.Lanes is 8 or 16)
        {
            // One instruction; what does not fit becomes the least number.
            return to.Lanes == 8
                ? writer.Call("<8 x i32>", "llvm.x86.avx.cvt.ps2dq.256", (from, a))
                : writer.Call("<16 x i32>", "llvm.x86.avx512.mask.cvtps2dq.512", (from, a), ("<16 x i32>", "zeroinitializer"), ("i16", "-1"), ("i32", "4"));
        }

        if (e.Round) a = writer.Call(from, $"llvm.roundeven.{suffix}", (from, a));
        // Without saturation to a narrow type what is known to fit is cut, as C# does.
        int bits = e.Saturate ? IrType.Bits(to.Element) : Math.Max(32, IrType.Bits(to.Element));
        string sign = to.Element.IsUnsigned() && (e.Saturate || bits == IrType.Bits(to.Element)) ? "u" : "s";
        string wide = "i" + bits.ToString(CultureInfo.InvariantCulture), type = IrType.WithLanes(wide, to.Lanes);
        string value = writer.Call(type, $"llvm.fpto{sign}i.sat.{IrType.Suffix(wide, to.Lanes)}.{suffix}", (from, a));
        return bits == IrType.Bits(to.Element) ? value : writer.Value($"trunc {type} {value} to {IrType.Of(to)}");
    }

    private string Resize(string a, Cast e)
    {
        (VectorType source, VectorType to) = (e.A.Type, e.To);
        string from = IrType.Of(source), scalar = IrType.Scalar(source.Element);
        bool isUnsigned = source.Element.IsUnsigned();
        if (e.Saturate)
        {
            ((BigInteger min, BigInteger max), (BigInteger least, BigInteger most)) = (Limits(source.Element), Limits(to.Element));
            string suffix = IrType.Suffix(scalar, source.Lanes), kind = isUnsigned ? "u" : "s";
            if (least > min) a = writer.Call(from, $"llvm.{kind}max.{suffix}", (from, a), (from, All(least)));
            if (most < max) a = writer.Call(from, $"llvm.{kind}min.{suffix}", (from, a), (from, All(most)));
        }

        int wide = IrType.Bits(source.Element), narrow = IrType.Bits(to.Element);
        return wide == narrow ? a : writer.Value($"{(narrow < wide ? "trunc" : isUnsigned ? "zext" : "sext")} {from} {a} to {IrType.Of(to)}");

        string All(BigInteger value) => FunctionWriter.Constants(scalar, source.Lanes, _ => value.ToString(CultureInfo.InvariantCulture));
    }

    private static (BigInteger Min, BigInteger Max) Limits(ElementType type)
    {
        BigInteger size = BigInteger.One << IrType.Bits(type);
        return type.IsUnsigned() ? (0, size - 1) : (-size / 2, (size / 2) - 1);
    }
}
