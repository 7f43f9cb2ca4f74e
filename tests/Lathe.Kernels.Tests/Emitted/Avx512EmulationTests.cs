using System.Runtime.Intrinsics;
using Emulated = Avx512F;
using Native = System.Runtime.Intrinsics.X86.Avx512F;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>The software in place of AVX-512 against what each instruction is defined to give, and against the instructions where there are any.</summary>
public sealed class Avx512EmulationTests
{
    private const int Lanes = 16;

    /// <summary>Zeros, denormals, ties, values around the ends of int, the largest, infinities, and NaN both quiet and with a payload.</summary>
    private static readonly float[] Values =
    [
        0f, -0f, float.Epsilon, -float.Epsilon, 1.1754942e-38f, 1.17549435e-38f, 1e-20f, 1e20f, 0.49999997f, 0.5f, -0.5f, 1f, -1f, 1.0000001f, 0.99999994f, 1.5f, 2.5f, -2.5f,
        3.7f, -3.7f, 8388607.5f, 8388608f, 16777217f, 2147483500f, 2147483600f, -2147483600f, -2147483900f, 3e9f, -3e9f, 1.8446743e19f, float.MaxValue, float.MinValue,
        float.PositiveInfinity, float.NegativeInfinity, float.NaN, BitConverter.Int32BitsToSingle(0x7FC12345), BitConverter.Int32BitsToSingle(unchecked((int)0xFFC00001)),
    ];

    [OneTimeSetUp]
    public void NeedsAvx2()
    {
        if (EmittedKernels.Unsupported(Targets.Machine.Avx512) is { } reason) Assert.Ignore(reason);
    }

    [Test]
    public void FusedMultiplyAdd_RoundsOnce()
    {
        foreach ((float a, float b) in Pairs())
            ForEachVector(c => Emulated.FusedMultiplyAdd(Vector512.Create(a), Vector512.Create(b), c), c => MultiplyAdd(a, b, c), $"fma({a:R}, {b:R}, _)");
    }

    [Test]
    public void MinAndMax_GiveTheSecondForNaNAndZeros()
    {
        foreach (float b in Values)
        {
            ForEachVector(a => Emulated.Min(a, Vector512.Create(b)), a => a < b ? a : b, $"min(_, {b:R})");
            ForEachVector(a => Emulated.Max(a, Vector512.Create(b)), a => a > b ? a : b, $"max(_, {b:R})");
        }
    }

    [Test]
    public void RoundScale_RoundsToIntegralValues()
    {
        ForEachVector(a => Emulated.RoundScale(a, 0x08), a => MathF.Round(a, MidpointRounding.ToEven), "round");
        ForEachVector(a => Emulated.RoundScale(a, 0x0B), MathF.Truncate, "truncate");
        Assert.That(() => Emulated.RoundScale(Vector512<float>.Zero, 0x18), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Conversion_OfFloats_RoundsToEvenAndMarksWhatDoesNotFit() => ForEachVector(
        a => Emulated.ConvertToVector512Int32(a).AsSingle(),
        a => BitConverter.Int32BitsToSingle(a is >= -2147483648f and < 2147483648f ? (int)Math.Round((double)a, MidpointRounding.ToEven) : int.MinValue),
        "to int32");

    [Test]
    public void Conversion_OfNarrowIntegers_Widens()
    {
        for (int start = 0; start < 256; start += Lanes)
        {
            byte[] bytes = [.. Enumerable.Range(start, Lanes).Select(i => (byte)i)];
            ushort[] words = [.. bytes.Select(b => (ushort)((b * 257) ^ 0x55))];
            Vector128<byte> narrow = Vector128.Create(bytes);
            Vector256<ushort> wide = Vector256.Create(words);
            Assert.That(Lane(Emulated.ConvertToVector512Int32(narrow)), Is.EqualTo(bytes.Select(b => (int)b)));
            Assert.That(Lane(Emulated.ConvertToVector512Int32(narrow.AsSByte())), Is.EqualTo(bytes.Select(b => (int)(sbyte)b)));
            Assert.That(Lane(Emulated.ConvertToVector512Int32(wide)), Is.EqualTo(words.Select(w => (int)w)));
            Assert.That(Lane(Emulated.ConvertToVector512Int32(wide.AsInt16())), Is.EqualTo(words.Select(w => (int)(short)w)));
        }
    }

    [Test]
    public void Hardware_GivesTheSameBits()
    {
        if (!Native.IsSupported) Assert.Ignore("This CPU has no AVX-512.");
        foreach (Vector512<float> a in Vectors())
        {
            foreach (float other in Values)
            {
                Vector512<float> b = Vector512.Create(other);
                foreach (float third in Values) Same(Emulated.FusedMultiplyAdd(a, b, Vector512.Create(third)), Native.FusedMultiplyAdd(a, b, Vector512.Create(third)));
                Same(Emulated.Min(a, b), Native.Min(a, b));
                Same(Emulated.Max(a, b), Native.Max(a, b));
            }

            Same(Emulated.RoundScale(a, 0x08), Native.RoundScale(a, 0x08));
            Same(Emulated.RoundScale(a, 0x0B), Native.RoundScale(a, 0x0B));
            Same(Emulated.ConvertToVector512Int32(a).AsSingle(), Native.ConvertToVector512Int32(a).AsSingle());
        }

        static void Same(Vector512<float> emulated, Vector512<float> native) => Assert.That(Lane(emulated.AsInt32()), Is.EqualTo(Lane(native.AsInt32())));
    }

    /// <summary>
    /// a * b + c rounded once. The product of two floats is exact as a double; the sum is rounded to odd, so that rounding it again to a float
    /// cannot err (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
    /// </summary>
    private static float MultiplyAdd(float a, float b, float c)
    {
        double product = (double)a * b, sum = product + c;
        if (!double.IsFinite(sum)) return (float)sum;
        double part = sum - product, error = (product - (sum - part)) + (c - part);
        bool isEven = (BitConverter.DoubleToInt64Bits(sum) & 1) == 0;
        if (error != 0 && isEven) sum = error > 0 ? Math.BitIncrement(sum) : Math.BitDecrement(sum);
        return (float)sum;
    }

    private static IEnumerable<(float A, float B)> Pairs() => from a in Values from b in Values select (a, b);

    /// <summary>All values, each once in the lower half of a vector and once in the upper.</summary>
    private static IEnumerable<Vector512<float>> Vectors() =>
        Enumerable.Range(0, Values.Length).Select(start => Vector512.Create([.. Enumerable.Range(0, Lanes).Select(i => Values[(start + i) % Values.Length])]));

    private static void ForEachVector(Func<Vector512<float>, Vector512<float>> emulated, Func<float, float> defined, string what)
    {
        foreach (Vector512<float> input in Vectors())
        {
            Vector512<float> actual = emulated(input);
            for (int i = 0; i < Lanes; i++)
            {
                float expected = defined(input[i]);
                bool equal = BitConverter.SingleToInt32Bits(actual[i]) == BitConverter.SingleToInt32Bits(expected) || (float.IsNaN(actual[i]) && float.IsNaN(expected));
                if (!equal) Assert.Fail($"{what} of {input[i]:R} in lane {i} is {actual[i]:R}, not {expected:R}");
            }
        }
    }

    private static int[] Lane(Vector512<int> vector) => [.. Enumerable.Range(0, Lanes).Select(i => vector[i])];
}
