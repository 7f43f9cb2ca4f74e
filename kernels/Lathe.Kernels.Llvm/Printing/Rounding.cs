using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>Rounds to the float types that are computed in wider ones, and takes their bits.</summary>
internal sealed class Rounding(FunctionWriter writer)
{
    /// <summary>A float of 32 bits, as the nearest value of a type.</summary>
    public string FromFloat(string value, VectorType to)
    {
        string type = IrType.Of(to);
        switch (to.Element)
        {
            case ElementType.Float16:
                string half = IrType.WithLanes("half", to.Lanes);
                return writer.Value($"fpext {half} {writer.Value($"fptrunc {type} {value} to {half}")} to {type}");
            case ElementType.BFloat16:
                // Half of the last place, and less by one where that is even; a NaN keeps what tells it from infinity.
                string word = IrType.WithLanes("i32", to.Lanes);
                string bits = writer.Value($"bitcast {type} {value} to {word}");
                string last = writer.Value($"and {word} {writer.Value($"lshr {word} {bits}, {Word(16)}")}, {Word(1)}");
                string rounded = writer.Value($"add {word} {writer.Value($"add {word} {bits}, {Word(0x7FFF)}")}, {last}");
                string quiet = writer.Value($"or {word} {bits}, {Word(0x400000)}");
                string isNaN = writer.Value($"fcmp uno {type} {value}, {value}");
                string chosen = writer.Value($"select {IrType.WithLanes("i1", to.Lanes)} {isNaN}, {word} {quiet}, {word} {rounded}");
                return writer.Value($"bitcast {word} {writer.Value($"and {word} {chosen}, {Word(-65536)}")} to {type}");
            default:
                return value;
        }

        string Word(int number) => FunctionWriter.Constants("i32", to.Lanes, _ => number.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The result of an operator in the type that its operands are computed in, as the nearest value of a type.</summary>
    public string FromFloatOrDouble(string value, VectorType to) => to.Element == ElementType.Float64 ? value : FromFloat(value, to);

    /// <summary>A float of 64 bits, as the nearest value of a type.</summary>
    public string FromDouble(string value, VectorType to)
    {
        string type = IrType.Of(to), wide = IrType.WithLanes("double", to.Lanes);
        if (to.Element == ElementType.Float64) return value;
        string near = writer.Value($"fptrunc {wide} {value} to {type}");
        if (to.Element == ElementType.Float32) return near;

        // To the neighbour whose last bit is 1 first, unless exact: then the second rounding is the only one that counts.
        string word = IrType.WithLanes("i32", to.Lanes), mask = IrType.WithLanes("i1", to.Lanes);
        string one = FunctionWriter.Constants("i32", to.Lanes, _ => "1"), zero = FunctionWriter.Constants("i32", to.Lanes, _ => "0");
        string bits = writer.Value($"bitcast {type} {near} to {word}"), back = writer.Value($"fpext {type} {near} to {wide}");
        string exact = writer.Value($"fcmp ueq {wide} {value}, {back}");
        string odd = writer.Value($"icmp ne {word} {writer.Value($"and {word} {bits}, {one}")}, {zero}");
        string suffix = IrType.Suffix("double", to.Lanes);
        string below = writer.Value($"fcmp ogt {wide} {writer.Call(wide, $"llvm.fabs.{suffix}", (wide, value))}, {writer.Call(wide, $"llvm.fabs.{suffix}", (wide, back))}");
        string other = writer.Value($"select {mask} {below}, {word} {writer.Value($"add {word} {bits}, {one}")}, {word} {writer.Value($"sub {word} {bits}, {one}")}");
        string chosen = writer.Value($"select {mask} {writer.Value($"or {mask} {exact}, {odd}")}, {word} {bits}, {word} {other}");
        return FromFloat(writer.Value($"bitcast {word} {chosen} to {type}"), to);
    }

    /// <summary>The bits of a value that has been rounded to bfloat16.</summary>
    public string BitsOfBFloat16(string value, int lanes)
    {
        string word = IrType.WithLanes("i32", lanes), sixteen = FunctionWriter.Constants("i32", lanes, _ => "16");
        string bits = writer.Value($"bitcast {IrType.WithLanes("float", lanes)} {value} to {word}");
        return writer.Value($"trunc {word} {writer.Value($"lshr {word} {bits}, {sixteen}")} to {IrType.WithLanes("i16", lanes)}");
    }

    /// <summary>The bfloat16 of bits.</summary>
    public string BFloat16OfBits(string value, int lanes)
    {
        string word = IrType.WithLanes("i32", lanes), sixteen = FunctionWriter.Constants("i32", lanes, _ => "16");
        string bits = writer.Value($"zext {IrType.WithLanes("i16", lanes)} {value} to {word}");
        return writer.Value($"bitcast {word} {writer.Value($"shl {word} {bits}, {sixteen}")} to {IrType.WithLanes("float", lanes)}");
    }
}
