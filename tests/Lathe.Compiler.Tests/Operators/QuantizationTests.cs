using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Operators of quantised tensors against values worked out by hand.</summary>
internal sealed class QuantizationTests
{
    private const string Domain = "com.microsoft";

    private static readonly TensorData Half = Scalar(0.5f);

    [Test]
    public void Quantize_RoundsTiesToEven_ThenAddsTheZeroPoint_ThenSaturates()
    {
        // Rounded after the zero point, 0.5 + 3 would be 4.
        TensorData x = Floats(0.25f, 0.75f, -0.25f, 1, 200, -200, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 3e9f);
        Assert.That(Bytes(Quantize(x, Half, U8(3))), Is.EqualTo(new byte[] { 3, 5, 3, 5, 255, 0, 0, 255, 0, 255 }));
        Assert.That(Import("QuantizeLinear", 13, [x, Half, I8(-3)])[0].Span<sbyte>().ToArray(), Is.EqualTo(new sbyte[] { -3, -1, -3, -1, 127, -128, -128, 127, -128, 127 }));
    }

    [Test]
    public void Quantize_DividesInThePrecisionOfTheScale()
    {
        // Beyond 2048 a half is even.
        TensorData x = Elements.FromDoubles(TensorType.Of(ElementType.Float16, 1), [101.125]), scale = Elements.FromDoubles(TensorType.Of(ElementType.Float16), [0.03]);
        double exact = x.GetDouble(0) / scale.GetDouble(0);
        TensorData half = Import("QuantizeLinear", 23, [x, scale, null], ("output_dtype", (long)ElementType.UInt16))[0];
        TensorData single = Import("QuantizeLinear", 23, [x, scale, null], ("output_dtype", (long)ElementType.UInt16), ("precision", (long)ElementType.Float32))[0];
        Assert.That(single.GetInt64(0), Is.EqualTo((long)Math.Round((float)exact)));
        Assert.That(half.GetInt64(0), Is.EqualTo((long)Math.Round((double)(Half)exact)).And.Not.EqualTo(single.GetInt64(0)));
    }

    [Test]
    public void Quantize_ByTensorAxisAndBlock()
    {
        TensorData x = TensorData.OfFloats([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 2, 5);
        Assert.That(Bytes(Quantize(x, Floats(0.5f), TensorData.Of<byte>(ElementType.UInt8, [1], 1))), Is.EqualTo(new byte[] { 3, 5, 7, 9, 11, 13, 15, 17, 19, 21 }));
        Assert.That(Bytes(Import("QuantizeLinear", 13, [x, Floats(1, 0.5f), U8(0, 100)], ("axis", -2L))[0]), Is.EqualTo(new byte[] { 1, 2, 3, 4, 5, 112, 114, 116, 118, 120 }));
        TensorData blocks = TensorData.OfFloats([1, 0.5f, 0.25f, 2, 1, 0.5f], 2, 3);
        Assert.That(Bytes(Import("QuantizeLinear", 21, [x, blocks], ("axis", 1L), ("block_size", 2L))[0]), Is.EqualTo(new byte[] { 1, 2, 6, 8, 20, 3, 4, 8, 9, 20 }));
    }

    [Test]
    public void Quantize_IntegersByIntegers() =>
        Assert.That(Bytes(Quantize(TensorData.Of<int>(ElementType.Int32, [7, -6, 5000], 3), TensorData.Of<int>(ElementType.Int32, [2]), U8(10))), Is.EqualTo(new byte[] { 14, 7, 255 }));

    [Test]
    public void Dequantize_SubtractsTheZeroPointAndScales()
    {
        Assert.That(Import("DequantizeLinear", 10, [U8(0, 128, 255), Half, U8(128)])[0].Span<float>().ToArray(), Is.EqualTo(new[] { -64f, 0, 63.5f }));
        Assert.That(Import("DequantizeLinear", 13, [TensorData.Of<sbyte>(ElementType.Int8, [1, 2, 3, 4], 2, 2), Floats(1, 10), null], ("axis", 0L))[0].Span<float>().ToArray(), Is.EqualTo(new[] { 1f, 2, 30, 40 }));
        TensorData wide = Import("DequantizeLinear", 23, [U8(3), Elements.FromDoubles(TensorType.Of(ElementType.Float16), [0.5]), null], ("output_dtype", (long)ElementType.Float32))[0];
        Assert.That((wide.Element, wide.GetDouble(0)), Is.EqualTo((ElementType.Float32, 1.5)));
    }

    [Test]
    public void DynamicQuantize_TakesTheRange_WhichZeroBelongsTo()
    {
        TensorData[] y = Import("DynamicQuantizeLinear", 11, 3, [Floats(0, 2, -3, -2.5f, 1.34f, 0.5f)]);
        Assert.That(Bytes(y[0]), Is.EqualTo(new byte[] { 153, 255, 0, 26, 221, 179 }));
        Assert.That((y[1].Span<float>()[0], Bytes(y[2])[0]), Is.EqualTo((5f / 255, (byte)153)));
        TensorData[] zero = Import("DynamicQuantizeLinear", 11, 3, [Floats(0, 0)]);
        Assert.That((Bytes(zero[0])[1], zero[1].GetDouble(0), Bytes(zero[2])[0]), Is.EqualTo(((byte)0, 1.0, (byte)0)));
    }

    [Test]
    public void ConvInteger_HasTheZeroPointAroundIt()
    {
        TensorData x = TensorData.Of<byte>(ElementType.UInt8, [2, 3, 4, 5, 6, 7, 8, 9, 10], 1, 1, 3, 3), w = TensorData.Of<byte>(ElementType.UInt8, [1, 1, 1, 1], 1, 1, 2, 2);
        Assert.That(Import("ConvInteger", 10, [x, w, U8(1), null], ("pads", new long[] { 1, 1, 1, 1 }))[0].Span<int>().ToArray(),
            Is.EqualTo(new[] { 1, 3, 5, 3, 5, 12, 16, 9, 11, 24, 28, 15, 7, 15, 17, 9 }));
    }

    [Test]
    public void QLinearConv_Requantises()
    {
        // Sums 2·3 = 6 and -2·3 + 4 = -2, by 0.25 to 1.5 and -0.5, of which ties go to 2 and 0.
        TensorData x = TensorData.Of<byte>(ElementType.UInt8, [130], 1, 1, 1), w = TensorData.Of<sbyte>(ElementType.Int8, [4, -3], 2, 1, 1);
        TensorData y = Import("QLinearConv", 10, [x, Scalar(0.5f), U8(128), w, Floats(1, 1), TensorData.Of<sbyte>(ElementType.Int8, [1, 0], 2), Scalar(2), U8(7), TensorData.Of<int>(ElementType.Int32, [0, 4], 2)])[0];
        Assert.That(Bytes(y), Is.EqualTo(new byte[] { 9, 7 }));
    }

    [Test]
    public void QLinearConv_OfOnnxRuntime_TakesEitherOrderOfChannels()
    {
        // Two filters of two channels and two columns; weights are in the same order either way.
        TensorData first = TensorData.Of<byte>(ElementType.UInt8, [1, 2, 3, 10, 20, 30], 1, 2, 1, 3), last = TensorData.Of<byte>(ElementType.UInt8, [1, 10, 2, 20, 3, 30], 1, 1, 3, 2);
        TensorData?[] rest = [Scalar(1), U8(0), TensorData.Of<sbyte>(ElementType.Int8, [1, 2, 0, 1, -1, 0, 1, 1], 2, 2, 1, 2), Scalar(1), I8(0), Scalar(1), U8(5)];
        TensorData expected = Import("QLinearConv", 10, [first, .. rest])[0];
        Assert.That(Bytes(expected), Is.EqualTo(new byte[] { 30, 43, 34, 53 }));
        Assert.That(Bytes(Import("QLinearConv", 1, Domain, [first, .. rest])[0]), Is.EqualTo(Bytes(expected)));
        TensorData actual = Import("QLinearConv", 1, Domain, [last, .. rest], ("channels_last", 1L))[0];
        Assert.That((actual.Dims, Bytes(actual)), Is.EqualTo((new long[] { 1, 1, 2, 2 }, new byte[] { 30, 34, 43, 53 })));
    }

    [Test]
    public void QLinearWhere_ChoosesBetweenTensors_AndBroadcasts()
    {
        TensorData condition = TensorData.Of<byte>(ElementType.Bool, [1, 0, 1], 3, 1);
        // By 0.5 from 10 and by 2 from 4, to 0.25 from 1.
        TensorData y = Import("QLinearWhere", 1, Domain, [condition, U8(10, 20), Half, U8(10), U8(5), Scalar(2), U8(4), Scalar(0.25f), U8(1)])[0];
        Assert.That((y.Dims, Bytes(y)), Is.EqualTo((new long[] { 3, 2 }, new byte[] { 1, 21, 9, 9, 1, 21 })));
        TensorData signed = Import("QLinearWhere", 1, Domain, [condition, I8(-3), Half, I8(1), I8(100), Half, I8(0), Half, I8(-1)])[0];
        Assert.That(signed.Span<sbyte>().ToArray(), Is.EqualTo(new sbyte[] { -5, 99, -5 }));
    }

    [Test]
    public void QLinearMatMul_TakesRowsAndColumns()
    {
        TensorData a = TensorData.Of<byte>(ElementType.UInt8, [1, 2, 3, 4], 2, 2), b = TensorData.Of<sbyte>(ElementType.Int8, [1, -1, 2, 3], 2, 2);
        TensorData y = Import("QLinearMatMul", 21, [a, Floats(1, 2), U8(0, 1), b, Floats(1, 10), TensorData.Of<sbyte>(ElementType.Int8, [0, 1], 2), Floats(1, 4), TensorData.Of<sbyte>(ElementType.Int8, [0, 5], 2)])[0];
        // [1·1 + 2·2, (1·-2 + 2·2)·10], [(2·1 + 3·2)·2/4 + 5, (2·-2 + 3·2)·20/4 + 5].
        Assert.That(y.Span<sbyte>().ToArray(), Is.EqualTo(new sbyte[] { 5, 20, 9, 15 }));
    }

    [Test]
    public void QLinearAdd_AndItsLike()
    {
        TensorData x = U8(10, 20);
        Assert.That(Bytes(Import("QLinearAdd", 1, Domain, [x, Half, U8(10), U8(4), Scalar(1), null, Scalar(1), U8(1)])[0]), Is.EqualTo(new byte[] { 5, 10 }));
        Assert.That(Bytes(Import("QLinearMul", 1, Domain, [x, Half, null, U8(4), Scalar(1), null, Scalar(2), U8(1)])[0]), Is.EqualTo(new byte[] { 11, 21 }));
        Assert.That(Bytes(Import("QLinearSigmoid", 1, Domain, [x, Half, U8(10), Scalar(1f / 256), null])[0]), Is.EqualTo(new byte[] { 128, 254 }));
        Assert.That(Bytes(Import("QLinearLeakyRelu", 1, Domain, [x, Half, U8(14), Half, U8(14)], ("alpha", 0.5f))[0]), Is.EqualTo(new byte[] { 12, 20 }));
        Assert.That(Bytes(Import("QLinearSoftmax", 1, Domain, [x, Scalar(0.1f), U8(10), Scalar(1f / 256), U8(0)], ("axis", -1L), ("opset", 13L))[0]), Is.EqualTo(new byte[] { 69, 187 }));
        Assert.That(Bytes(Import("QLinearConcat", 1, Domain, [Scalar(1), U8(5), x, Half, U8(10), U8(7, 1), Scalar(2), U8(0)], ("axis", 0L))[0]), Is.EqualTo(new byte[] { 5, 10, 19, 7 }));
        Assert.That(Bytes(Import("QuantizeLinear", 1, Domain, [Floats(1, 2), Half, U8(1)])[0]), Is.EqualTo(new byte[] { 3, 5 }));
        Assert.That(Import("DequantizeLinear", 1, Domain, [x, Half, U8(10)])[0].Span<float>().ToArray(), Is.EqualTo(new[] { 0f, 5 }));
    }

    [Test]
    public void QLinearPools_TakeEitherOrderOfChannels()
    {
        TensorData first = TensorData.Of<byte>(ElementType.UInt8, [1, 2, 3, 4, 10, 20, 30, 40], 1, 2, 2, 2), last = TensorData.Of<byte>(ElementType.UInt8, [1, 10, 2, 20, 3, 30, 4, 40], 1, 2, 2, 2);
        TensorData[] scales = [Scalar(1), U8(0), Scalar(0.5f), U8(0)];
        Assert.That(Bytes(Import("QLinearGlobalAveragePool", 1, Domain, [first, .. scales])[0]), Is.EqualTo(new byte[] { 5, 50 }));
        Assert.That(Bytes(Import("QLinearGlobalAveragePool", 1, Domain, [last, .. scales], ("channels_last", 1L))[0]), Is.EqualTo(new byte[] { 5, 50 }));
        Assert.That(Bytes(Import("QLinearAveragePool", 1, Domain, [first, .. scales], ("kernel_shape", new long[] { 1, 2 }))[0]), Is.EqualTo(new byte[] { 3, 7, 30, 70 }));
        Assert.That(Bytes(Import("QLinearAveragePool", 1, Domain, [last, .. scales], ("kernel_shape", new long[] { 1, 2 }), ("channels_last", 1L))[0]), Is.EqualTo(new byte[] { 3, 30, 7, 70 }));
        Assert.That(Bytes(Import("QLinearReduceMean", 1, Domain, [first, .. scales], ("axes", new long[] { 2, 3 }), ("keepdims", 0L))[0]), Is.EqualTo(new byte[] { 5, 50 }));
    }

    [Test]
    public void QGemm_IsQuantisedWhereThereIsAScale()
    {
        TensorData a = TensorData.Of<byte>(ElementType.UInt8, [1, 2], 1, 2), b = TensorData.Of<sbyte>(ElementType.Int8, [1, -1, 2, 3], 2, 2), c = TensorData.Of<int>(ElementType.Int32, [10, 20], 2);
        TensorData?[] operands = [a, Half, U8(0), b, Floats(1, 2), TensorData.Of<sbyte>(ElementType.Int8, [0, 0], 2), c];
        // Rows of b are columns: 1·1 + 2·-1 + 10 = 9 and 1·2 + 2·3 + 20 = 28.
        Assert.That(Import("QGemm", 1, Domain, operands, ("transB", 1L), ("alpha", 2f))[0].Span<float>().ToArray(), Is.EqualTo(new[] { 9f, 56 }));
        Assert.That(Bytes(Import("QGemm", 1, Domain, [.. operands, Scalar(2), U8(1)], ("transB", 1L), ("alpha", 2f))[0]), Is.EqualTo(new byte[] { 5, 29 }));
    }

    [Test]
    public void MatMulsToFloat_ScaleAndAddABias()
    {
        TensorData a = TensorData.Of<byte>(ElementType.UInt8, [1, 2], 1, 2), b = TensorData.Of<sbyte>(ElementType.Int8, [1, -1, 2, 3], 2, 2);
        Assert.That(Import("MatMulIntegerToFloat", 1, Domain, [a, b, Half, Floats(1, 2), U8(1), null, Floats(0.25f, 0)])[0].Span<float>().ToArray(), Is.EqualTo(new[] { 1.25f, 3 }));
        // 255 steps of 1, so that nothing is rounded.
        Assert.That(Import("DynamicQuantizeMatMul", 1, Domain, [TensorData.OfFloats([255, 0], 1, 2), b, Floats(1, 2), null, Floats(0.5f, 0)])[0].Span<float>().ToArray(), Is.EqualTo(new[] { 255.5f, -510 }));
    }

    [TestCase(0f, "a scale is 0, not positive and finite")]
    [TestCase(-1f, "a scale is -1, not positive and finite")]
    [TestCase(float.NaN, "a scale is NaN, not positive and finite")]
    [TestCase(float.PositiveInfinity, "a scale is Infinity, not positive and finite")]
    public void BadScales_AreRefused(float scale, string reason)
    {
        TensorData x = TensorData.Of<byte>(ElementType.UInt8, [1], 1, 1, 1), s = Scalar(scale), zero = U8(0);
        Assert.That(ImportRefusal("", "QuantizeLinear", [Floats(1), s, zero]), Does.Contain(reason));
        Assert.That(ImportRefusal("", "QuantizeLinear", [Floats(1, 2), Floats(1, scale), U8(0, 0)], ("axis", 0L)), Does.Contain(reason));
        Assert.That(ImportRefusal("", "DequantizeLinear", [x, s, zero]), Does.Contain(reason));
        Assert.That(ImportRefusal("", "QLinearConv", [x, Half, zero, x, s, zero, Half, zero]), Does.Contain(reason));
        Assert.That(ImportRefusal("", "QLinearMatMul", [x, Half, zero, x, Half, zero, s, zero]), Does.Contain(reason));
        Assert.That(ImportRefusal(Domain, "QLinearAdd", [x, s, zero, x, Half, zero, Half, zero]), Does.Contain(reason));
    }

    [Test]
    public void ParametersThatDoNotFit_AreRefused()
    {
        TensorData x = TensorData.OfFloats(new float[6], 2, 3), q = TensorData.Of<byte>(ElementType.UInt8, new byte[6], 2, 3), three = Floats(1, 1, 1);
        Assert.That(ImportRefusal("", "QuantizeLinear", [x, Half, TensorData.OfFloats([0])]), Does.Contain("it does not quantise to elements of type float32"));
        Assert.That(ImportRefusal("", "QuantizeLinear", [x, Half], ("output_dtype", 21L)), Does.Contain("it does not quantise to elements of type 21"));
        Assert.That(ImportRefusal("", "QuantizeLinear", [x, Half, U8(0)], ("output_dtype", 3L)), Does.Contain("the zero points are uint8"));
        Assert.That(ImportRefusal("", "DequantizeLinear", [q, Half, I8(0)]), Does.Contain("the zero point is int8, not uint8"));
        Assert.That(ImportRefusal("", "DequantizeLinear", [TensorData.Of<int>(ElementType.Int32, [1]), Half, TensorData.Of<int>(ElementType.Int32, [1])]), Does.Contain("have to be 0"));
        Assert.That(ImportRefusal("", "DequantizeLinear", [q, TensorData.Of(ElementType.Float64, [1.0])]), Does.Contain("scales of type float64"));
        Assert.That(ImportRefusal("", "QuantizeLinear", [x, Floats(1, 1)]), Does.Contain("is not one number for each of 3 along axis 1"));
        Assert.That(ImportRefusal("", "QuantizeLinear", [x, TensorData.OfFloats([1, 1, 1], 1, 3)]), Does.Contain("is not one number for each of 3 along axis 1"));
        Assert.That(ImportRefusal("", "QuantizeLinear", [x, three], ("axis", 2L)), Does.Contain("axis 2 is outside a tensor of rank 2"));
        Assert.That(ImportRefusal("", "QuantizeLinear", [x, three, U8(0)]), Does.Contain("are not of one shape"));
        Assert.That(ImportRefusal("", "DequantizeLinear", [q, Half, U8(0, 0, 0)]), Does.Contain("are not of one shape"));
        Assert.That(ImportRefusal("", "QuantizeLinear", [x, TensorData.OfFloats([1, 1], 2, 1)], ("block_size", 2L)), Does.Contain("is not one number for each block of 2"));
        Assert.That(ImportRefusal("", "QuantizeLinear", [x, three], ("block_size", -1L)), Does.Contain("-1 is negative"));
    }

    [Test]
    public void ProductsThatDoNotFit_AreRefused()
    {
        TensorData x = TensorData.Of<byte>(ElementType.UInt8, new byte[8], 1, 2, 4), w = TensorData.Of<byte>(ElementType.UInt8, new byte[12], 3, 2, 2), three = Floats(1, 1, 1);
        Assert.That(ImportRefusal("", "QLinearConv", [x, Floats(1, 1), U8(0, 0), w, Half, U8(0), Half, U8(0)]), Does.Contain("is not one for the whole tensor"));
        Assert.That(ImportRefusal("", "QLinearConv", [x, Half, U8(0), w, Floats(1, 1), U8(0, 0), Half, U8(0)]), Does.Contain("neither a scalar nor one number for each output channel"));
        Assert.That(ImportRefusal("", "QLinearConv", [x, Half, U8(0), w, three, U8(0), Half, U8(0)]), Does.Contain("are not of one shape"));
        Assert.That(ImportRefusal("", "QLinearConv", [x, Half, I8(0), w, Half, U8(0), Half, U8(0)]), Does.Contain("the zero point is int8, not uint8"));
        Assert.That(ImportRefusal("", "QLinearConv", [x, Half, U8(0), w, Half, U8(0), Half, U8(0), TensorData.Of<int>(ElementType.Int32, [1, 1], 2)]), Does.Contain("is not one int32 for each of 3 channels"));
        Assert.That(ImportRefusal("", "ConvInteger", [x, TensorData.OfFloats(new float[12], 3, 2, 2)]), Does.Contain("not of 8 bits"));
        TensorData a = TensorData.Of<byte>(ElementType.UInt8, new byte[6], 2, 3), b = TensorData.Of<byte>(ElementType.UInt8, new byte[6], 3, 2);
        Assert.That(ImportRefusal("", "MatMulInteger", [a, b, U8(0, 0, 0)]), Does.Contain("dims 2 and 3 do not broadcast"));
        Assert.That(ImportRefusal("", "MatMulInteger", [a, b, TensorData.Of<byte>(ElementType.UInt8, [0, 0, 0], 1, 3)]), Does.Contain("one for each row"));
        Assert.That(ImportRefusal("", "MatMulInteger", [a, b, U8(0), U8(0, 0, 0)]), Does.Contain("dims 2 and 3 do not broadcast"));
        Assert.That(ImportRefusal("", "MatMulInteger", [a, b, U8(0), TensorData.Of<byte>(ElementType.UInt8, [0, 0, 0], 3, 1)]), Does.Contain("one for each column"));
        Assert.That(ImportRefusal("", "QLinearMatMul", [a, Half, U8(0), b, Half, U8(0), Floats(1, 1), U8(0)]), Does.Contain("are not of one shape"));
        Assert.That(ImportRefusal(Domain, "QLinearConv", [a, Half, U8(0), w, Half, U8(0), Half, U8(0)], ("channels_last", 1L)), Does.Contain("is no image"));
        Assert.That(ImportRefusal(Domain, "QLinearConv", [x, Half, U8(0), w, Half, U8(0), Half, U8(0)], ("channels_last", 1L)), Does.Contain("do not fit input uint8[1, 4, 2]"));
        TensorData choice = TensorData.Of<byte>(ElementType.Bool, [1, 0], 2, 1);
        Assert.That(ImportRefusal(Domain, "QLinearWhere", [a, a, Half, U8(0), a, Half, U8(0), Half, U8(0)]), Does.Contain("bool"));
        Assert.That(ImportRefusal(Domain, "QLinearWhere", [choice, a, Half, I8(0), a, Half, U8(0), Half, U8(0)]), Does.Contain("the zero point is int8, not uint8"));
        Assert.That(ImportRefusal(Domain, "QLinearWhere", [choice, a, Half, U8(0), a, Floats(1, 1), U8(0, 0), Half, U8(0)]), Does.Contain("is not one for the whole tensor"));
        Assert.That(ImportRefusal(Domain, "QLinearConcat", [Half, U8(0), a, Half]), Does.Contain("no tensors with scale and zero point"));
    }

    private static TensorData Quantize(TensorData x, TensorData scale, TensorData? zero) => Import("QuantizeLinear", 13, [x, scale, zero])[0];

    private static byte[] Bytes(TensorData data) => data.Span<byte>().ToArray();

    private static TensorData Scalar(float value) => TensorData.OfFloats([value]);

    private static TensorData U8(params byte[] values) => values.Length == 1 ? TensorData.Of<byte>(ElementType.UInt8, values) : TensorData.Of<byte>(ElementType.UInt8, values, values.Length);

    private static TensorData I8(sbyte value) => TensorData.Of<sbyte>(ElementType.Int8, [value]);

    /// <summary>The message with which the import of a node over constants is refused.</summary>
    private static string ImportRefusal(string domain, string type, TensorData?[] inputs, params (string Name, object Value)[] attributes)
    {
        GraphBuilder builder = new();
        OnnxNode node = new("node", type, domain.Length == 0 ? 23 : 1, [.. inputs.Select(i => i is null ? Value.None : builder.Constant(i))], 1, attributes.ToDictionary(a => a.Name, a => a.Value));
        return Assert.Throws<DiagnosticException>(() => OperatorTable.ByOnnxName[(domain, type)].Import(node, builder))!.Diagnostic.Message;
    }
}
