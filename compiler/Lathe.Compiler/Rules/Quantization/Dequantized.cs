using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>Bytes that stand for (x - zero) · scale, with one scale and one zero point, or with one of each for every index of an axis.</summary>
/// <param name="X">The bytes.</param>
/// <param name="Scales">The scales.</param>
/// <param name="Zeros">The zero points, as many.</param>
internal sealed record Dequantized(Value X, float[] Scales, long[] Zeros)
{
    /// <summary>What a value stands for; null if it is nothing of the kind.</summary>
    /// <param name="value">The value.</param>
    /// <param name="axis">The axis whose indices may have scales of their own.</param>
    /// <param name="isWide">True also for int32.</param>
    public static Dequantized? Of(Value value, int axis = -1, bool isWide = false)
    {
        if (value.IsNone || value.Op is not DequantizeLinear { OutputDtype: ElementType.Float32 }) return null;
        (Value x, Value scale, Value zero) = (value.Node.Inputs[0], value.Node.Inputs[1], value.Node.Inputs.ElementAtOrDefault(2));
        if (x.Type.Element is not (ElementType.UInt8 or ElementType.Int8) && !(isWide && x.Type.Element == ElementType.Int32)) return null;
        if (scale.Constant is not { } scales || Along(scales, x.Type, axis) is not { } counted) return null;
        if (!zero.IsNone && zero.Constant is null) return null;
        TensorData? zeros = zero.Constant;
        if (zeros is not null && (zeros.Count != scales.Count || Along(zeros, x.Type, axis) is null)) return null;
        return new(x, [.. Enumerable.Range(0, counted).Select(i => (float)scales.GetDouble(i))], [.. Enumerable.Range(0, counted).Select(i => zeros?.GetInt64(i) ?? 0)]);
    }

    /// <summary>How many numbers a constant has that is one for all, or one for each index of an axis; null if it is another.</summary>
    private static int? Along(TensorData data, TensorType x, int axis)
    {
        if (data.Count == 1) return 1;
        if (axis < 0 || !x.Dims[axis].IsConstant || data.Count != x.Dims[axis].Value) return null;
        int at = axis - (x.Rank - data.Dims.Length);
        return at >= 0 && data.Dims[at] == data.Count ? data.Count : null;
    }
}
