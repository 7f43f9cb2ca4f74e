using Lathe.Runtime;

namespace Lathe.Kernels.Targets.CSharp;

/// <summary>How element types are written in C#.</summary>
internal static class Types
{
    /// <summary>The type of an element in memory and of a scalar; a bfloat16 is kept in the upper half of a float.</summary>
    public static string Memory(ElementType type) => type switch
    {
        ElementType.Float32 => "float",
        ElementType.Float64 => "double",
        ElementType.Float16 => "Half",
        ElementType.BFloat16 => "ushort",
        ElementType.Bool => "bool",
        ElementType.Int8 => "sbyte",
        ElementType.UInt8 => "byte",
        ElementType.Int16 => "short",
        ElementType.UInt16 => "ushort",
        ElementType.Int32 => "int",
        ElementType.UInt32 => "uint",
        ElementType.Int64 => "long",
        ElementType.UInt64 => "ulong",
        _ => throw new NotSupportedException($"There are no kernels of {type.Name()}."),
    };

    /// <summary>The type that a scalar is computed in.</summary>
    public static string Scalar(ElementType type) => type == ElementType.BFloat16 ? "float" : Memory(type);

    /// <summary>True where C# computes in int and the result has to be cut back.</summary>
    public static bool IsNarrow(ElementType type) => type is ElementType.Int8 or ElementType.UInt8 or ElementType.Int16 or ElementType.UInt16;

    /// <summary>The bits of an integer type.</summary>
    public static int BitCount(ElementType type) => type.Size() * 8;
}
