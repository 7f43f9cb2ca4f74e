using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Signal;
using Lathe.Compiler.Tests.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Routines;

/// <summary>Fourier transforms, and what is made of them and for them.</summary>
internal sealed class SignalTests
{
    private static readonly TensorData Axis = TensorData.OfInt64s(1);

    /// <summary>Lengths that are powers of two and others, primes among them.</summary>
    [Test]
    public void DFT_OfEveryLength([Values(1, 2, 3, 7, 8, 12, 31, 64, 100)] int n)
    {
        // Transforms in float64 differ by roundings of sums of n numbers, of which the largest error is far below this.
        const double Tolerance = 1e-12;
        foreach (bool isComplex in (bool[])[false, true])
        {
            TensorData x = RandomTensor.Of(ElementType.Float64, n, 2, n, 3, isComplex ? 2 : 1);
            Compare(x, ("inverse", 0L));
            Compare(x, ("inverse", 1L));
            if (isComplex) Compare(x, ("inverse", 1L), ("onesided", 1L));
            else Compare(x, ("onesided", 1L));
        }

        void Compare(TensorData x, params (string, object)[] attributes)
        {
            bool isEmpty = n == 1 && attributes.Length == 2;
            if (isEmpty) return;
            TensorData expected = OperatorCase.Import("DFT", 20, [x, null, Axis], attributes)[0];
            using RoutineModel model = RoutineModel.Of([TensorType.Of(x.Element, x.Dims)], (g, v) =>
                RoutineModel.Import(g, "DFT", 20, 1, [v[0], Value.None, g.Constant(Axis)], attributes));
            Tensors.AssertClose(model.Run(x)[0], expected, Tolerance);
        }
    }

    [Test]
    public void DFT_WhoseAxisAndLengthDataDetermine()
    {
        TensorType[] types = [TensorType.Of(ElementType.Float32, 4, 6, 1), TensorType.Of(ElementType.Int64), TensorType.Of(ElementType.Int64)];
        TensorData x = RandomTensor.Of(ElementType.Float32, 1, 4, 6, 1);
        foreach (long isHalf in (long[])[0, 1])
        {
            using RoutineModel model = RoutineModel.Of(types, (g, v) => RoutineModel.Import(g, "DFT", 20, 1, v, ("onesided", isHalf)));
            foreach ((long n, long axis) in ((long, long)[])[(6, 1), (4, 0), (9, -2), (3, -3), (1, 1)])
            {
                TensorData expected = OperatorCase.Import("DFT", 20, [x, Scalar(n), Scalar(axis)], ("onesided", isHalf))[0];
                TensorData actual = model.Run(x, Scalar(n), Scalar(axis))[0];
                // Both compute in float64 and round once.
                Tensors.AssertClose(actual, expected, 1e-6);
            }

            foreach ((long n, long axis) in ((long, long)[])[(6, 2), (6, -1), (6, 5), (0, 1), (-3, 0)])
                Assert.That(() => model.Run(x, Scalar(n), Scalar(axis)), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0508"));
        }

        static TensorData Scalar(long value) => TensorData.OfInt64s(value).Reshape();
    }

    [TestCase(ElementType.Float16)]
    [TestCase(ElementType.BFloat16)]
    public void DFT_OfNarrowFloats(ElementType element)
    {
        TensorData x = RandomTensor.Of(element, 1, 1, 8, 1);
        using RoutineModel model = RoutineModel.Of("DFT", 17, 1, [x], ("axis", 1L));
        // One unit in the last place: the sums round to either side.
        Tensors.AssertClose(model.Run(x)[0], OperatorCase.Import("DFT", 17, [x], ("axis", 1L))[0], element == ElementType.Float16 ? 1e-3 : 8e-3);
    }

    [Test]
    public void DFT_ByHand()
    {
        TensorData x = TensorData.OfFloats([1, 2, 3, 4], 1, 4, 1);
        Assert.That(OperatorCase.Import("DFT", 17, [x])[0].ToDoubles(), Is.EqualTo(new double[] { 10, 0, -2, 2, -2, 0, -2, -2 }).Within(1e-6));
        TensorData half = TensorData.OfFloats([10, 0, -2, 2, -2, 0], 1, 3, 2);
        Assert.That(OperatorCase.Import("DFT", 20, [half], ("inverse", 1L), ("onesided", 1L))[0].ToDoubles(), Is.EqualTo(new double[] { 1, 2, 3, 4 }).Within(1e-6));
        Assert.That(OperatorCase.Refusal(new DFT([1, 4, 2], 1), OperatorCase.Float32("1", "4", "3")), Does.Contain("real or complex"));
        Assert.That(OperatorCase.Refusal(new DFT([1, 3, 2], 1, false, true), OperatorCase.Float32("1", "4", "2")), Does.Contain("real numbers"));
    }

    [Test]
    public void STFT_TransformsFrames()
    {
        TensorData signal = RandomTensor.Of(ElementType.Float32, 1, 2, 20, 1), window = RandomTensor.Of(ElementType.Float32, 2, 6);
        TensorType[] types = [TensorType.Of(ElementType.Float32, 2, 20, 1), TensorType.Of(ElementType.Int64), TensorType.Of(ElementType.Float32, 6)];
        using RoutineModel model = RoutineModel.Of(types, (g, v) => RoutineModel.Import(g, "STFT", 17, 1, v));
        foreach (long step in (long[])[3, 1, 14, 15])
        {
            TensorData y = model.Run(signal, Scalar(step), window)[0];
            long frames = (14 / step) + 1;
            Assert.That(y.Dims, Is.EqualTo(new[] { 2, frames, 4, 2 }));
            for (int frame = 0; frame < frames; frame++)
            {
                TensorData part = TensorData.Zeros(ElementType.Float32, 1, 6, 1);
                for (int i = 0; i < 6; i++) part.SetDouble(i, signal.GetDouble((int)(20 + (frame * step) + i)) * window.GetDouble(i));
                double[] expected = OperatorCase.Import("DFT", 17, [part], ("onesided", 1L))[0].ToDoubles();
                Assert.That(y.ToDoubles().Skip((int)(((frames + frame) * 4) * 2)).Take(8), Is.EqualTo(expected).Within(1e-5));
            }
        }

        Assert.That(() => model.Run(signal, Scalar(0), window), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0508"));

        static TensorData Scalar(long value) => TensorData.OfInt64s(value).Reshape();
    }

    [Test]
    public void Windows_ByTheirFormula()
    {
        foreach ((string type, double[] terms) in ((string, double[])[])
            [("HannWindow", [0.5, 0.5, 0]), ("HammingWindow", [25.0 / 46, 21.0 / 46, 0]), ("BlackmanWindow", [0.42, 0.5, 0.08])])
        {
            foreach (long isPeriodic in (long[])[0, 1])
            {
                using RoutineModel model = RoutineModel.Of(
                    [TensorType.Of(ElementType.Int64)],
                    (g, v) => RoutineModel.Import(g, type, 17, 1, v, ("periodic", isPeriodic), ("output_datatype", (long)ElementType.Float32)));
                foreach (int size in (int[])[10, 3, 0, 64])
                {
                    double period = isPeriodic != 0 ? size : size - 1;
                    double[] expected =
                    [
                        .. Enumerable.Range(0, size).Select(n => 2 * Math.PI * n / period)
                            .Select(turn => terms[0] - (terms[1] * Math.Cos(turn)) + (terms[2] * Math.Cos(2 * turn))),
                    ];
                    Assert.That(model.Run(TensorData.OfInt64s(size).Reshape())[0].ToDoubles(), Is.EqualTo(expected).Within(1e-6), $"{type} of {size}");
                }
            }
        }
    }

    [Test]
    public void MelWeights_AreTriangles()
    {
        TensorType[] types =
        [
            TensorType.Of(ElementType.Int64), TensorType.Of(ElementType.Int64), TensorType.Of(ElementType.Int64), TensorType.Of(ElementType.Float32),
            TensorType.Of(ElementType.Float32),
        ];
        using RoutineModel model = RoutineModel.Of(types, (g, v) => RoutineModel.Import(g, "MelWeightMatrix", 17, 1, v));
        TensorData[] good = Inputs(8, 16, 8192, 0, 4096);
        TensorData y = model.Check(good)[0];
        Assert.That(y.Dims, Is.EqualTo(new long[] { 9, 8 }));
        for (int band = 0; band < 8; band++) Assert.That(Enumerable.Range(0, 9).Max(bin => y.GetDouble((bin * 8) + band)), Is.EqualTo(1), "every triangle has its top");
        model.Check(Inputs(40, 512, 16000, 20, 7600));
        model.Check(Inputs(0, 16, 8192, 0, 4096));
        model.Refuses("lies at bin", good, Inputs(8, 16, 8192, 0, 40960));
        model.Refuses("lies at bin", good, Inputs(8, 16, 0, 0, 4096));

        static TensorData[] Inputs(long bands, long length, long rate, float low, float high) =>
        [
            TensorData.OfInt64s(bands).Reshape(), TensorData.OfInt64s(length).Reshape(), TensorData.OfInt64s(rate).Reshape(), TensorData.OfFloats([low]),
            TensorData.OfFloats([high]),
        ];
    }
}
