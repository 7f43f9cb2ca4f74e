using System.Globalization;
using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>
/// Prints dot products of the four bytes of each lane: one instruction where there is one for unsigned and signed bytes, otherwise products of bytes at even and at odd
/// places, widened to 16 bits, of which the sum of two fits 32 bits whatever they are.
/// </summary>
internal sealed class DotPrinter(FunctionWriter writer, bool hasVnni)
{
    /// <summary>Prints one of operands that are printed.</summary>
    public string Print(Dot4 e, string sum, string a, string b)
    {
        int lanes = e.Type.Lanes;
        if (lanes == 1) return OneLane(e, sum, a, b);
        string type = IrType.WithLanes("i32", lanes), bits = (lanes * 32).ToString(CultureInfo.InvariantCulture);
        if (hasVnni && !e.SignedA && e.SignedB) return writer.Call(type, $"llvm.x86.avx512.vpdpbusd.{bits}", (type, sum), (type, a), (type, b));
        string even = Pairs(Even(a, e.SignedA), Even(b, e.SignedB)), odd = Pairs(Odd(a, e.SignedA), Odd(b, e.SignedB));
        return writer.Value($"add {type} {writer.Value($"add {type} {sum}, {even}")}, {odd}");

        string Halves() => IrType.WithLanes("i16", lanes * 2);

        string Of16(string value) => writer.Value($"bitcast {type} {value} to {Halves()}");

        string All(long value) => FunctionWriter.Constants("i16", lanes * 2, _ => IndexPrinter.Number(value));

        string Even(string value, bool isSigned) => isSigned
            ? writer.Value($"ashr {Halves()} {writer.Value($"shl {Halves()} {Of16(value)}, {All(8)}")}, {All(8)}")
            : writer.Value($"and {Halves()} {Of16(value)}, {All(255)}");

        string Odd(string value, bool isSigned) => writer.Value($"{(isSigned ? "ashr" : "lshr")} {Halves()} {Of16(value)}, {All(8)}");

        string Pairs(string x, string y) => writer.Call(
            type, lanes switch { 16 => "llvm.x86.avx512.pmaddw.d.512", 8 => "llvm.x86.avx2.pmadd.wd", _ => "llvm.x86.sse2.pmadd.wd" }, (Halves(), x), (Halves(), y));
    }

    private string OneLane(Dot4 e, string sum, string a, string b)
    {
        for (int part = 0; part < 4; part++)
            sum = writer.Value($"add i32 {sum}, {writer.Value($"mul i32 {Byte(a, part, e.SignedA)}, {Byte(b, part, e.SignedB)}")}");
        return sum;
    }

    private string Byte(string value, int part, bool isSigned)
    {
        string high = part == 3 ? value : writer.Value($"shl i32 {value}, {IndexPrinter.Number(24 - (8 * part))}");
        return writer.Value($"{(isSigned ? "ashr" : "lshr")} i32 {high}, 24");
    }
}
