namespace Lathe.Runtime;

/// <summary>What is known of each <see cref="ElementType"/>: its size, its kind and its name in text.</summary>
public static class ElementTypes
{
    /// <summary>The size of one element in bytes.</summary>
    /// <param name="type">Any type but <see cref="ElementType.String"/> and <see cref="ElementType.Undefined"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type has no fixed size.</exception>
    public static int Size(this ElementType type) => type switch
    {
        ElementType.Bool or ElementType.Int8 or ElementType.UInt8 => 1,
        ElementType.Float16 or ElementType.BFloat16 or ElementType.Int16 or ElementType.UInt16 => 2,
        ElementType.Float32 or ElementType.Int32 or ElementType.UInt32 => 4,
        ElementType.Float64 or ElementType.Int64 or ElementType.UInt64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "The type has no fixed size."),
    };

    /// <summary>True for a type whose elements have a fixed size.</summary>
    internal static bool HasSize(this ElementType type) => type == ElementType.Bool || IsFloat(type) || IsInteger(type);

    /// <summary>True for the four floating-point types.</summary>
    public static bool IsFloat(this ElementType type) =>
        type is ElementType.Float16 or ElementType.BFloat16 or ElementType.Float32 or ElementType.Float64;

    /// <summary>True for the eight integer types; <see cref="ElementType.Bool"/> is none of them.</summary>
    public static bool IsInteger(this ElementType type) => IsSigned(type) || IsUnsigned(type);

    /// <summary>True for the signed integer types.</summary>
    public static bool IsSigned(this ElementType type) =>
        type is ElementType.Int8 or ElementType.Int16 or ElementType.Int32 or ElementType.Int64;

    /// <summary>True for the unsigned integer types.</summary>
    public static bool IsUnsigned(this ElementType type) =>
        type is ElementType.UInt8 or ElementType.UInt16 or ElementType.UInt32 or ElementType.UInt64;

    /// <summary>The name used in the text of the IRs, in manifests and in JSON, such as <c>float32</c>.</summary>
    public static string Name(this ElementType type) => type switch
    {
        ElementType.Float32 => "float32",
        ElementType.UInt8 => "uint8",
        ElementType.Int8 => "int8",
        ElementType.UInt16 => "uint16",
        ElementType.Int16 => "int16",
        ElementType.Int32 => "int32",
        ElementType.Int64 => "int64",
        ElementType.String => "string",
        ElementType.Bool => "bool",
        ElementType.Float16 => "float16",
        ElementType.Float64 => "float64",
        ElementType.UInt32 => "uint32",
        ElementType.UInt64 => "uint64",
        ElementType.BFloat16 => "bfloat16",
        _ => "undefined",
    };

    /// <summary>Reads what <see cref="Name"/> writes.</summary>
    /// <returns>The type, or <see cref="ElementType.Undefined"/> if there is none of this name.</returns>
    public static ElementType Parse(string name)
    {
        foreach (ElementType type in Enum.GetValues<ElementType>())
            if (type != ElementType.Undefined && type.Name() == name) return type;
        return ElementType.Undefined;
    }
}
