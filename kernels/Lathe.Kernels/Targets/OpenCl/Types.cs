using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Targets.OpenCl;

/// <summary>How element types are written in OpenCL C.</summary>
internal static class Types
{
    /// <summary>The type of an element in memory; floats of 16 bits are kept as their bits, so that a device needs no extension for them.</summary>
    public static string Memory(ElementType type) => type switch
    {
        ElementType.Float32 => "float",
        ElementType.Float64 => "double",
        ElementType.Float16 or ElementType.BFloat16 => "ushort",
        ElementType.Bool or ElementType.UInt8 => "uchar",
        ElementType.Int8 => "char",
        ElementType.Int16 => "short",
        ElementType.UInt16 => "ushort",
        ElementType.Int32 => "int",
        ElementType.UInt32 => "uint",
        ElementType.Int64 => "long",
        ElementType.UInt64 => "ulong",
        _ => throw new NotSupportedException($"There are no kernels of {type.Name()}."),
    };

    /// <summary>The type that a scalar is computed in: floats of 16 bits as the float that they are.</summary>
    public static string Scalar(ElementType type) => type switch
    {
        ElementType.Float16 or ElementType.BFloat16 => "float",
        ElementType.Bool => "bool",
        _ => Memory(type),
    };

    /// <summary>The type of a value. Lanes have 32 bits: integers of fewer bits are widened, a bool is a lane of ones or zeros.</summary>
    public static string Of(VectorType type) => type.Lanes == 1 ? Scalar(type.Element) : (IsFloat(type) ? "float" : "int") + type.Lanes.ToString(CultureInfo.InvariantCulture);

    /// <summary>True for lanes of floats, false for lanes of integers.</summary>
    public static bool IsFloat(VectorType type) => type.Element switch
    {
        ElementType.Float32 or ElementType.Float16 or ElementType.BFloat16 => true,
        ElementType.Int32 or ElementType.Bool => false,
        _ when IsNarrow(type.Element) => false,
        _ => throw new NotSupportedException($"There are no vectors of {type}."),
    };

    /// <summary>True for integers that C computes with as int, so that the result has to be cut back.</summary>
    public static bool IsNarrow(ElementType type) => type is ElementType.Int8 or ElementType.UInt8 or ElementType.Int16 or ElementType.UInt16;

    /// <summary>The unsigned type of the same size: its arithmetic wraps, that of signed integers is undefined where it overflows.</summary>
    public static string Unsigned(ElementType type) => type switch
    {
        ElementType.Int32 => "uint",
        ElementType.Int64 => "ulong",
        _ => Scalar(type),
    };

    /// <summary>The least and the greatest value of an integer type, as literals.</summary>
    public static (string Least, string Greatest) Limits(ElementType type) => type switch
    {
        ElementType.Int8 => ("CHAR_MIN", "CHAR_MAX"),
        ElementType.UInt8 => ("0", "UCHAR_MAX"),
        ElementType.Int16 => ("SHRT_MIN", "SHRT_MAX"),
        ElementType.UInt16 => ("0", "USHRT_MAX"),
        ElementType.Int32 => ("INT_MIN", "INT_MAX"),
        ElementType.UInt32 => ("0u", "UINT_MAX"),
        ElementType.Int64 => ("LONG_MIN", "LONG_MAX"),
        ElementType.UInt64 => ("0ul", "ULONG_MAX"),
        _ => throw new NotSupportedException($"{type.Name()} is no integer."),
    };
}
