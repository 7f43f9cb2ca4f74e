using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>How types are written in LLVM's IR.</summary>
internal static class IrType
{
    /// <summary>The type of a value: floats of 16 bits are computed as the floats of 32 bits that they are, and rounded after every operation.</summary>
    public static string Of(VectorType type) => WithLanes(Scalar(type.Element), type.Lanes);

    /// <summary>The type of elements in memory; a bfloat16 is moved as its bits.</summary>
    public static string Memory(VectorType type) => WithLanes(Memory(type.Element), type.Lanes);

    /// <summary>The type of an element in memory.</summary>
    public static string Memory(ElementType type) => type switch
    {
        ElementType.Float16 => "half",
        ElementType.BFloat16 => "i16",
        ElementType.Bool => "i8",
        _ => Scalar(type),
    };

    /// <summary>A vector of a type, or the type itself for one lane.</summary>
    public static string WithLanes(string scalar, int lanes) => lanes == 1 ? scalar : string.Create(CultureInfo.InvariantCulture, $"<{lanes} x {scalar}>");

    /// <summary>A type in the name of an intrinsic.</summary>
    public static string Suffix(string scalar, int lanes)
    {
        string name = scalar switch { "float" => "f32", "double" => "f64", "half" => "f16", "ptr" => "p0", _ => scalar };
        return lanes == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"v{lanes}{name}");
    }

    /// <summary>The type of a scalar value.</summary>
    public static string Scalar(ElementType type) => type switch
    {
        ElementType.Float32 or ElementType.Float16 or ElementType.BFloat16 => "float",
        ElementType.Float64 => "double",
        ElementType.Bool => "i1",
        ElementType.Int8 or ElementType.UInt8 => "i8",
        ElementType.Int16 or ElementType.UInt16 => "i16",
        ElementType.Int32 or ElementType.UInt32 => "i32",
        ElementType.Int64 or ElementType.UInt64 => "i64",
        _ => throw new NotSupportedException($"There are no kernels of {type.Name()}."),
    };

    /// <summary>True for a float type that is rounded after every operation.</summary>
    public static bool IsHalf(ElementType type) => type is ElementType.Float16 or ElementType.BFloat16;

    /// <summary>The bits of an integer.</summary>
    public static int Bits(ElementType type) => type == ElementType.Bool ? 1 : type.Size() * 8;
}
