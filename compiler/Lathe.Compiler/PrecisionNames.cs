using Lathe.Runtime;

namespace Lathe.Compiler;

/// <summary>The names of precisions in options, plans and reports. Of weights they say how these are stored: sums are float32 with all of them.</summary>
public static class PrecisionNames
{
    /// <summary>Weights of float32.</summary>
    public const string Fp32 = "fp32";

    /// <summary>Weights of float16.</summary>
    public const string Fp16 = "fp16";

    /// <summary>Weights of bfloat16.</summary>
    public const string Bf16 = "bf16";

    /// <summary>Weights and activations in bytes.</summary>
    public const string Int8 = "int8";

    /// <summary>True for what products are computed with; other steps have the name of an element type.</summary>
    public static bool IsArithmetic(string precision) => precision is Fp32 or Fp16 or Bf16 or Int8;

    /// <summary>The precision whose weights have an element type of 16 bits; null for other types.</summary>
    public static string? Of(ElementType element) => element switch
    {
        ElementType.Float16 => Fp16,
        ElementType.BFloat16 => Bf16,
        _ => null,
    };

    /// <summary>The element type in which a precision stores weights; null where that is float32.</summary>
    public static ElementType? WeightsOf(string precision) => precision switch
    {
        Fp16 => ElementType.Float16,
        Bf16 => ElementType.BFloat16,
        _ => null,
    };
}
