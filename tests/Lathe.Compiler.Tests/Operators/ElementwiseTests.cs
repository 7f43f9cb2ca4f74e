using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Operators.OperatorCase;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Element-wise operators against values worked out by hand or known from tables.</summary>
internal sealed class ElementwiseTests
{
    private static IEnumerable<TestCaseData> Unary()
    {
        (Op Op, float X, double Y)[] cases =
        [
            (new Abs(), -2.5f, 2.5), (new Acos(), 0.5f, Math.PI / 3), (new Acosh(), 2f, 1.3169578969248166), (new Asin(), 0.5f, Math.PI / 6),
            (new Asinh(), 1f, 0.881373587019543), (new Atan(), 1f, Math.PI / 4), (new Atanh(), 0.5f, 0.5493061443340548), (new Ceil(), -1.5f, -1),
            (new Celu(2f), -2f, 2 * (0.36787944117144233 - 1)), (new Celu(2f), 3f, 3), (new Cos(), 2f, -0.4161468365471424), (new Cosh(), 1f, 1.543080634815244),
            (new Elu(), -1f, 0.36787944117144233 - 1), (new Elu(3f), 1.5f, 1.5), (new Erf(), 0.5f, 0.5204998778130465), (new Erf(), -2f, -0.9953222650189527),
            (new Erf(), 7f, 1), (new Exp(), 1f, Math.E), (new Floor(), -1.5f, -2), (new Gelu(), 1f, 0.8413447460685429), (new Gelu(), -1f, -0.15865525393145707),
            (new Gelu("tanh"), 1f, 0.8411919906082768), (new HardSigmoid(), 1f, 0.7), (new HardSigmoid(), 9f, 1), (new HardSwish(), -4f, 0), (new HardSwish(), 1f, 2.0 / 3),
            (new LeakyRelu(0.25f), -2f, -0.5), (new LeakyRelu(0.25f), 2f, 2), (new Log(), 8f, 2.0794415416798357), (new Mish(), 1f, 0.8650983882673103),
            (new Mish(), -30f, -2.8072868906520526e-12), (new Neg(), 3f, -3), (new Reciprocal(), 4f, 0.25), (new Relu(), -1f, 0), (new Relu(), 2f, 2),
            (new Round(), 2.5f, 2), (new Round(), 3.5f, 4), (new Round(), -0.5f, 0), (new Selu(), 1f, 1.0507009873554805), (new Selu(), -1f, -1.1113307378125625),
            (new Shrink(0.5f, 1f), 2f, 1.5), (new Shrink(0.5f, 1f), -2f, -1.5), (new Shrink(0.5f, 1f), 0.9f, 0), (new Sigmoid(), 0f, 0.5), (new Sigmoid(), -2f, 0.11920292202211755),
            (new Sign(), -0.1f, -1), (new Sign(), 0f, 0), (new Sin(), 1f, 0.8414709848078965), (new Sinh(), 1f, 1.1752011936438014), (new Softplus(), 0f, 0.6931471805599453),
            (new Softplus(), 200f, 200), (new Softsign(), -3f, -0.75), (new Sqrt(), 2f, 1.4142135623730951), (new Swish(), 1f, 0.7310585786300049),
            (new Swish(2f), 1f, 0.8807970779778823), (new Tan(), 1f, 1.5574077246549023), (new Tanh(), 1f, 0.7615941559557649), (new ThresholdedRelu(2f), 2f, 0),
            (new ThresholdedRelu(2f), 2.5f, 2.5),
        ];
        return cases.Select(c => new TestCaseData(c.Op, c.X, c.Y).SetArgDisplayNames(c.Op.ToString(), $"{c.X}", $"{c.Y}"));
    }

    [TestCaseSource(nameof(Unary))]
    public void Unary_OfANumber(Op op, float x, double y) => Assert.That(Floats(op, Floats(x))[0], Is.EqualTo((float)y).Within(1).Ulps);

    [Test]
    public void NaN_StaysOne()
    {
        foreach (Op op in (Op[])[new Relu(), new Sign(), new Abs(), new LeakyRelu(), new HardSwish(), new Elu(), new Clip()])
            Assert.That(Floats(op, Floats(float.NaN))[0], Is.NaN, op.Name);
        foreach (Op op in (Op[])[new Max(), new Min(), new Add(), new Sum()])
        {
            Assert.That(Floats(op, Floats(float.NaN), Floats(1))[0], Is.NaN, op.Name);
            Assert.That(Floats(op, Floats(1), Floats(float.NaN))[0], Is.NaN, op.Name);
        }
    }

    [Test]
    public void FloatTests_TellNaNsAndInfinities()
    {
        TensorData x = Floats(1, float.NaN, float.PositiveInfinity, float.NegativeInfinity);
        Assert.That(Bools(new IsNaN(), x), Is.EqualTo(new[] { false, true, false, false }));
        Assert.That(Bools(new IsInf(), x), Is.EqualTo(new[] { false, false, true, true }));
        Assert.That(Bools(new IsInf(DetectPositive: false), x), Is.EqualTo(new[] { false, false, false, true }));
    }

    [Test]
    public void Integers_Wrap()
    {
        TensorData a = Bytes(200, 100), b = Bytes(100, 3);
        Assert.That(Evaluate(new Add(), a, b).Bytes, Is.EqualTo(new byte[] { 44, 103 }));
        Assert.That(Evaluate(new Sub(), b, a).Bytes, Is.EqualTo(new byte[] { 156, 159 }));
        Assert.That(Evaluate(new Mul(), a, b).Bytes, Is.EqualTo(new byte[] { 32, 44 }));
        Assert.That(Int64s(new Neg(), TensorData.OfInt64s(long.MinValue)), Is.EqualTo(new[] { long.MinValue }));
    }

    [Test]
    public void Division_TruncatesAndNeverTraps()
    {
        TensorData a = TensorData.OfInt64s(7, -7, 5, long.MinValue), b = TensorData.OfInt64s(2, 2, 0, -1);
        Assert.That(Int64s(new Div(), a, b), Is.EqualTo(new[] { 3, -3, 0, long.MinValue }));
        Assert.That(Int64s(new Mod(), a, b), Is.EqualTo(new[] { 1L, 1, 0, 0 }));
        Assert.That(Int64s(new Mod(true), a, b), Is.EqualTo(new[] { 1L, -1, 0, 0 }));
    }

    [Test]
    public void UnsignedIntegers_OfTheUpperHalf_AreNotNegative()
    {
        TensorData large = TensorData.Of<ulong>(ElementType.UInt64, [ulong.MaxValue], 1), one = TensorData.Of<ulong>(ElementType.UInt64, [1UL], 1);
        Assert.That(Bools(new Greater(), large, one), Is.EqualTo(new[] { true }));
        Assert.That(Evaluate(new Max(), large, one).Span<ulong>()[0], Is.EqualTo(ulong.MaxValue));
        Assert.That(Evaluate(new Div(), large, TensorData.Of<ulong>(ElementType.UInt64, [2UL], 1)).Span<ulong>()[0], Is.EqualTo(ulong.MaxValue / 2));
    }

    [TestCase("LEFT", new byte[] { 4, 254, 0 })]
    [TestCase("RIGHT", new byte[] { 0, 127, 0 })]
    public void BitShift_BeyondTheWidth_IsZero(string direction, byte[] expected) =>
        Assert.That(Evaluate(new BitShift(direction), Bytes(1, 255, 255), Bytes(2, 1, 8)).Bytes, Is.EqualTo(expected));

    [Test]
    public void Bits_And_Bools()
    {
        TensorData a = Bytes(0b1100), b = Bytes(0b1010);
        Assert.That(Evaluate(new BitwiseAnd(), a, b).Bytes, Is.EqualTo(new byte[] { 0b1000 }));
        Assert.That(Evaluate(new BitwiseOr(), a, b).Bytes, Is.EqualTo(new byte[] { 0b1110 }));
        Assert.That(Evaluate(new BitwiseXor(), a, b).Bytes, Is.EqualTo(new byte[] { 0b0110 }));
        Assert.That(Evaluate(new BitwiseNot(), a).Bytes, Is.EqualTo(new byte[] { 0b11110011 }));
        TensorData no = Truth(false, false, true, true), yes = Truth(false, true, false, true);
        Assert.That(Bools(new And(), no, yes), Is.EqualTo(new[] { false, false, false, true }));
        Assert.That(Bools(new Or(), no, yes), Is.EqualTo(new[] { false, true, true, true }));
        Assert.That(Bools(new Xor(), no, yes), Is.EqualTo(new[] { false, true, true, false }));
        Assert.That(Bools(new Not(), no), Is.EqualTo(new[] { true, true, false, false }));
    }

    [Test]
    public void Comparisons()
    {
        TensorData a = Floats(1, 2, 3), b = Floats(2, 2, 2);
        Assert.That(Bools(new Less(), a, b), Is.EqualTo(new[] { true, false, false }));
        Assert.That(Bools(new LessOrEqual(), a, b), Is.EqualTo(new[] { true, true, false }));
        Assert.That(Bools(new Greater(), a, b), Is.EqualTo(new[] { false, false, true }));
        Assert.That(Bools(new GreaterOrEqual(), a, b), Is.EqualTo(new[] { false, true, true }));
        Assert.That(Bools(new Equal(), a, b), Is.EqualTo(new[] { false, true, false }));
    }

    [Test]
    public void Operands_Broadcast()
    {
        TensorData a = TensorData.OfFloats([1, 2, 3], 3, 1), b = TensorData.OfFloats([10, 20], 2), c = Evaluate(new Add(), a, b);
        Assert.That(c.Dims, Is.EqualTo(new long[] { 3, 2 }));
        Assert.That(c.Span<float>().ToArray(), Is.EqualTo(new[] { 11f, 21, 12, 22, 13, 23 }));
        Assert.That(Floats(new Sum(), Floats(1, 2), Floats(10), Floats(100, 200)), Is.EqualTo(new[] { 111f, 212 }));
        Assert.That(Floats(new Mean(), Floats(1, 2), Floats(3), Floats(5, 1)), Is.EqualTo(new[] { 3f, 2 }));
        Assert.That(Floats(new Where(), Truth(true, false), Floats(1), Floats(5, 6)), Is.EqualTo(new[] { 1f, 6 }));
        Assert.That(Floats(new PRelu(), Floats(-1, -2, 3), Floats(0.5f)), Is.EqualTo(new[] { -0.5f, -1, 3 }));
    }

    [Test]
    public void Clip_WithEachBound()
    {
        TensorData x = Floats(-2, 0.5f, 3), low = TensorData.OfFloats([-1]), high = TensorData.OfFloats([1]);
        Assert.That(Floats(new Clip(), x, low, high), Is.EqualTo(new[] { -1f, 0.5f, 1 }));
        Assert.That(Floats(new Clip(), x, low), Is.EqualTo(new[] { -1f, 0.5f, 3 }));
        Assert.That(Floats(new Clip(), x, null, high), Is.EqualTo(new[] { -2f, 0.5f, 1 }));
        Assert.That(Floats(new Clip(), x, high, low), Is.EqualTo(new[] { -1f, -1, -1 }), "where low exceeds high the result is high");
    }

    [Test]
    public void Pow_OfMixedTypes_HasTheTypeOfTheBase()
    {
        TensorData ints = TensorData.OfInt64s(2, -3, 2), floats = Floats(4, 0.25f, 9);
        Assert.That(Import("Pow", 13, [ints, TensorData.OfInt64s(10, 3, -1)])[0].Span<long>().ToArray(), Is.EqualTo(new long[] { 1024, -27, 0 }));
        Assert.That(Import("Pow", 13, [floats, ints])[0].Span<float>().ToArray(), Is.EqualTo(new[] { 16f, 64, 81 }));
        Assert.That(Import("Pow", 13, [TensorData.OfInt64s(9), Floats(0.5f)])[0].Span<long>().ToArray(), Is.EqualTo(new long[] { 3 }));
    }

    [Test]
    public void Cast_TruncatesAndTests()
    {
        TensorData x = Floats(-1.7f, 0, 2.5f);
        Assert.That(Int64s(new Cast(ElementType.Int64), x), Is.EqualTo(new long[] { -1, 0, 2 }));
        Assert.That(Bools(new Cast(ElementType.Bool), x), Is.EqualTo(new[] { true, false, true }));
        Assert.That(Evaluate(new Cast(ElementType.String), x).Strings, Is.EqualTo(new[] { "-1.7", "0", "2.5" }));
        TensorData text = TensorData.OfStrings(["3.25", "-inf", " 1e2"], 3);
        Assert.That(Floats(new Cast(ElementType.Float32), text), Is.EqualTo(new[] { 3.25f, float.NegativeInfinity, 100 }));
        Assert.That(() => Evaluate(new Cast(ElementType.Float32), TensorData.OfStrings(["x"], 1)), Throws.TypeOf<OverflowException>());
    }

    [Test]
    public void BatchNormalization_ByChannel()
    {
        TensorData x = TensorData.OfFloats([1, 2, 3, 4], 1, 2, 2);
        float[] y = Floats(new BatchNormalization(0f), x, Floats(2, 1), Floats(10, 20), Floats(1, 3), Floats(4, 1));
        Assert.That(y, Is.EqualTo(new[] { 10f, 11, 20, 21 }));
    }

    private static TensorData Bytes(params byte[] values) => TensorData.Of<byte>(ElementType.UInt8, values, values.Length);

    private static TensorData Truth(params bool[] values) => TensorData.Of<bool>(ElementType.Bool, values, values.Length);

    private static bool[] Bools(Op op, params TensorData?[] inputs) => [.. Evaluate(op, inputs).Bytes.Select(b => b != 0)];

    private static long[] Int64s(Op op, params TensorData?[] inputs) => Evaluate(op, inputs).Span<long>().ToArray();
}
