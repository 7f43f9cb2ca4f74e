using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Operators;

/// <content>Operators of quantised tensors.</content>
internal sealed partial class LoweringTests
{
    private static IEnumerable<Case> Quantized()
    {
        foreach (string q in (string[])["u8", "i8", "u16", "i16"])
        {
            ElementType element = Parse($"{q}:1").Element;
            yield return new Case(new QuantizeLinear(element), $"N,3,7 scalar {q}:scalar");
            yield return new Case(new QuantizeLinear(element), $"N,3,7 3,1 {q}:3,1");
            yield return new Case(new DequantizeLinear(), $"{q}:N,3,7 scalar {q}:scalar");
            yield return new Case(new DequantizeLinear(), $"{q}:N,3,7 3,1 {q}:3,1");
        }

        yield return new Case(new QuantizeLinear(), "N,5 scalar");
        yield return new Case(new QuantizeLinear(ElementType.Int8), "4,6 4,6 i8:4,6");
        yield return new Case(new QuantizeLinear(), "i32:N,5 scalar");
        foreach (ElementType precision in (ElementType[])[ElementType.Float16, ElementType.BFloat16, ElementType.Float32])
        {
            yield return new Case(new QuantizeLinear(ElementType.Int8, precision), "f16:N,5 f16:scalar i8:scalar");
            yield return new Case(new QuantizeLinear(ElementType.UInt8, precision), "bf16:N,5 bf16:5 u8:5");
            yield return new Case(new QuantizeLinear(ElementType.UInt8, precision), "N,5 f16:scalar u8:scalar");
        }

        yield return new Case(new DequantizeLinear(), "u8:N,5 scalar");
        yield return new Case(new DequantizeLinear(), "i32:N,5 5");
        yield return new Case(new DequantizeLinear(), "i32:N,5 5 i32:5");
        yield return new Case(new DequantizeLinear(ElementType.Float16), "u8:N,5 f16:scalar u8:scalar");
        yield return new Case(new DequantizeLinear(ElementType.Float16), "i8:N,5 5 i8:5");
        yield return new Case(new DequantizeLinear(), "i8:N,5 bf16:5 i8:5");

        foreach (string x in (string[])["u8", "i8"])
        {
            foreach (string w in (string[])["u8", "i8"])
            {
                yield return new Case(new ConvInteger(Pads: [1, 2, 0, 1], Strides: [2, 1], Dilations: [1, 2]), $"{x}:N,3,H,W {w}:4,3,3,2 {x}:scalar {w}:4");
                yield return new Case(new ConvInteger(Group: 2, Pads: [1, 1, 1, 1]), $"{x}:2,6,5,5 {w}:4,3,3,3 {x}:scalar {w}:scalar i32:4");
                yield return new Case(new QLinearConv(Pads: [1, 1, 1, 1]), $"{x}:N,3,H,W scalar {x}:scalar {w}:4,3,3,3 4 {w}:4 scalar {x}:scalar i32:4");
                yield return new Case(new QLinearConv(Group: 6, AutoPad: "SAME_UPPER", Strides: [2, 2]), $"{x}:2,6,H,5 scalar {x}:scalar {w}:6,1,3,3 scalar {w}:scalar scalar {w}:scalar");
                yield return new Case(new MatMulInteger(), $"{x}:N,4,5 {w}:5,6 {x}:4,1 {w}:6");
                yield return new Case(new QLinearMatMul(), $"{x}:N,4,5 4,1 {x}:4,1 {w}:5,6 6 {w}:6 4,1 {x}:4,1 i32:6");
                yield return new Case(new QLinearMatMul(), $"{x}:4,5 scalar {x}:scalar {w}:N,5,6 N,1,6 {w}:N,1,6 scalar {w}:scalar");
            }
        }

        foreach (string types in (string[])["u8:N,3,7 u8:256", "i8:N,3,7 u8:256", "u8:N,3,7 i8:256", "i8:5 i8:256"]) yield return new Case(new TableOfBytes(), types);
        yield return new Case(new ConvOfBytes(8, [1, 1], [1, 1], [0, 0, 0, 0]), "u8:N,8,5,6 i32:3,2,3,2");
        yield return new Case(new ConvOfBytes(4, [2, 1], [1, 2], [1, 0, 1, 2]), "u8:2,4,H,6 i32:5,1,3,2 i32:5");
        yield return new Case(new DepthwiseConvOfBytes(0, [1, 1], [1, 1], [0, 0, 0, 0]), "u8:N,3,5,6 3,1,3,2");
        yield return new Case(new DepthwiseConvOfBytes(117, [2, 1], [1, 2], [1, 0, 1, 2]), "u8:2,3,H,6 3,1,3,2");
        yield return new Case(new DepthwiseConvOfBytes(9, [1, 1], [1, 1], [1, 1, 1, 1]), "u8:2,3,H,6 3,1,3,3 3");
        yield return new Case(new DepthwiseConvOfBytes(-8, [1], [1], [1, 1]), "i8:2,3,H 3,1,3");
        yield return new Case(new SumOfBytes(1, 1, [3, 2], [1, 1], [1, 1], [0, 0, 0, 0]), "u8:N,8,5,6");
        yield return new Case(new SumOfBytes(-128, 1, [3, 2], [2, 1], [1, 2], [1, 0, 1, 2]), "u8:2,6,H,6");
        yield return new Case(new SumOfBytes(77, 4, [1, 1], [1, 1], [1, 1], [0, 0, 0, 0]), "u8:2,48,H,6");
        yield return new Case(new SumOfBytes(5, 4, [3], [2], [1], [1, 1]), "u8:2,16,H");
        yield return new Case(new ConvOfBytes(8, [1, 1], [1, 1], [0, 0, 0, 0]), "u8:N,8,5,6 i32:3,2,3,2 i32:3 i32:N,4,3,5");
        yield return new Case(new ConvOfBytes(8, [1], [1], [0, 0]), "u8:2,8,5 i32:3,2,3 i32:3 i32:2,1,3");
        yield return new Case(new MatMulOfBytes(), "u8:N,3,8 i32:2,5");
        yield return new Case(new MatMulOfBytes(), "u8:N,12 i32:3,7 i32:7");
        foreach (int channels in (int[])[1, 3, 4]) yield return new Case(new WordsOfBytes(), $"u8:N,{channels},3,7");
        yield return new Case(new ConvOfBytes(3, [2, 1], [1, 2], [1, 0, 1, 2]), "i32:2,1,H,6 i32:5,1,3,2 i32:5");
        yield return new Case(new SumOfBytes(-3, 1, [3, 2], [2, 1], [1, 2], [1, 0, 1, 2]), "i32:2,1,H,6");
        yield return new Case(new ConvInteger(), "u8:1,2,6 u8:3,2,3");
        yield return new Case(new MatMulInteger(), "u8:5 i8:N,5,6");
        yield return new Case(new MatMulInteger(), "i8:N,4,5 u8:5 i8:scalar u8:scalar");
        yield return new Case(new QLinearMatMul(), "u8:N,5 f16:scalar u8:scalar i8:5,6 f16:6 i8:6 f16:scalar i8:scalar");
        yield return new Case(new QLinearMatMul(), "u8:5 scalar u8:scalar i8:5 scalar i8:scalar scalar u8:scalar");
    }

    /// <summary>What such an operator is given; null for others.</summary>
    private static TensorData? OfQuantized(Op op, TensorData data, int input)
    {
        // The bits of float16 that are neither denormal nor infinite.
        if (op is MatMulOfHalves && input == 1 && data.Element == ElementType.Int16)
            return TensorData.Of<short>(data.Element, [.. Enumerable.Range(0, data.Count).Select(i => BitConverter.HalfToInt16Bits((Half)(data.GetDouble(i) * (i % 3 == 0 ? 100 : 0.001))))], data.Dims);
        // Weights and biases that are whole numbers.
        if (op is DepthwiseConvOfBytes && input > 0) return Elements.FromDoubles(TensorType.Of(data.Element, data.Dims), [.. data.ToDoubles().Select(v => Math.Round(v * 255))]);
        return op is TableOfBytes or ConvOfBytes or WordsOfBytes or MatMulOfBytes or SumOfBytes or DepthwiseConvOfBytes or QuantizeLinear or DequantizeLinear or IntegerConvolution or IntegerMatMul
            ? Quantized(data, isScale: data.Element.IsFloat() && !(op is QuantizeLinear && input == 0))
            : null;
    }

    /// <summary>Integers of the type's whole range, small positive scales, and numbers of which some saturate.</summary>
    private static TensorData Quantized(TensorData data, bool isScale)
    {
        for (int i = 0; i < data.Count; i++)
        {
            if (!data.Element.IsFloat()) data.SetInt64(i, (data.GetInt64(i) * (data.Element == ElementType.Int32 ? 123_456_789 : 3677)) + (i * 37));
            else data.SetDouble(i, isScale ? Math.Abs(data.GetDouble(i)) * 0.01 + 0.001 : data.GetDouble(i) * (i % 7 == 0 ? 1e3 : 1));
        }

        return data;
    }
}
