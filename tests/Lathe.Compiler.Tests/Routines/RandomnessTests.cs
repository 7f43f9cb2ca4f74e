using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Randomness;
using Lathe.Compiler.Tests.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Routines;

/// <summary>What draws at random: from a seed always the same, without one always other numbers, and as their distributions say.</summary>
internal sealed class RandomnessTests
{
    private const int Count = 4000;

    /// <summary>Five standard deviations of a mean of <see cref="Count"/> numbers whose own standard deviation is 1.</summary>
    private static readonly double MeanError = 5 / Math.Sqrt(Count);

    [TestCase(ElementType.Float16)]
    [TestCase(ElementType.Float32)]
    [TestCase(ElementType.Float64)]
    [TestCase(ElementType.BFloat16)]
    public void Seeds_GiveTheSameNumbers(ElementType element)
    {
        (string, object) dtype = ("dtype", (long)element), seed = ("seed", 2f), shape = ("shape", new long[] { 40, 100 });
        TensorData x = RandomTensor.Of(element, 1, 3, 4);
        using RoutineModel model = RoutineModel.Of([TensorType.Of(element, 3, 4)], (g, v) =>
        [
            .. RoutineModel.Import(g, "RandomUniform", 1, 1, [], dtype, seed, shape, ("low", -1f), ("high", 1f)),
            .. RoutineModel.Import(g, "RandomNormal", 22, 1, [], dtype, seed, shape, ("mean", 3f), ("scale", 2f)),
            .. RoutineModel.Import(g, "RandomUniformLike", 1, 1, v, seed),
            .. RoutineModel.Import(g, "RandomNormalLike", 22, 1, v, seed, ("dtype", 11L)),
        ]);
        TensorData[] first = model.Check(x), second = model.Run(x);
        for (int i = 0; i < first.Length; i++) Assert.That(second[i].Bytes, Is.EqualTo(first[i].Bytes));

        double[] uniform = first[0].ToDoubles(), normal = [.. first[1].ToDoubles().Select(v => (v - 3) / 2)];
        Assert.That(uniform, Has.All.InRange(-1, 1));
        Assert.That(uniform.Average(), Is.EqualTo(0).Within(MeanError / Math.Sqrt(3)));
        Assert.That(normal.Average(), Is.EqualTo(0).Within(MeanError));
        // The variance of a square is 2; bfloat16 keeps 8 bits of each number, which is far below that.
        Assert.That(normal.Average(v => v * v), Is.EqualTo(1).Within(Math.Sqrt(2) * MeanError));
        Assert.That(first[3].Element, Is.EqualTo(ElementType.Float64));
    }

    [Test]
    public void WithoutSeeds_NumbersDiffer()
    {
        using RoutineModel model = RoutineModel.Of([TensorType.Of(ElementType.Float32, 9)], (g, v) =>
        [
            .. RoutineModel.Import(g, "RandomNormalLike", 1, 1, v),
            .. RoutineModel.Import(g, "RandomNormalLike", 1, 1, v),
            .. RoutineModel.Import(g, "RandomUniform", 1, 1, [], ("shape", new long[] { 9 })),
            .. RoutineModel.Import(g, "RandomUniform", 1, 1, [], ("shape", new long[] { 9 })),
        ]);
        TensorData x = TensorData.Zeros(ElementType.Float32, 9);
        string[] drawn = [.. model.Run(x).Concat(model.Run(x)).Select(t => Convert.ToHexString(t.Bytes))];
        Assert.That(drawn, Is.Unique);
    }

    [Test]
    public void Bernoulli_FollowsItsProbabilities()
    {
        TensorData p = TensorData.Zeros(ElementType.Float16, 3, Count);
        for (int i = 0; i < p.Count; i++) p.SetDouble(i, i < Count ? 0 : i < 2 * Count ? 1 : 0.25);
        foreach (ElementType element in (ElementType[])[ElementType.Bool, ElementType.Int32, ElementType.Float64])
        {
            using RoutineModel model = RoutineModel.Of("Bernoulli", 15, 1, [p], ("seed", 1f), ("dtype", (long)element));
            TensorData y = model.Check(p)[0];
            double[] drawn = y.ToDoubles();
            Assert.That(y.Element, Is.EqualTo(element));
            Assert.That(drawn[..Count], Has.All.Zero);
            Assert.That(drawn[Count..(2 * Count)], Has.All.EqualTo(1));
            Assert.That(drawn[(2 * Count)..].Average(), Is.EqualTo(0.25).Within(MeanError * Math.Sqrt(0.25 * 0.75)));
        }
    }

    [Test]
    public void Multinomial_FollowsItsProbabilities()
    {
        TensorData x = TensorData.OfFloats([MathF.Log(0.5f), MathF.Log(0.3f), float.NegativeInfinity, MathF.Log(0.2f), 7, 7, 7, 7], 2, 4);
        using RoutineModel model = RoutineModel.Of("Multinomial", 7, 1, [x], ("seed", 1f), ("sample_size", (long)Count), ("dtype", 7L));
        TensorData y = model.Run(x)[0];
        Assert.That(y.Dims, Is.EqualTo(new long[] { 2, Count }));
        long[] drawn = y.ToInt64s();
        foreach ((int row, double[] expected) in ((int, double[])[])[(0, [0.5, 0.3, 0, 0.2]), (1, [0.25, 0.25, 0.25, 0.25])])
        {
            for (int @class = 0; @class < 4; @class++)
            {
                double share = drawn.Skip(row * Count).Take(Count).Count(c => c == @class) / (double)Count;
                Assert.That(share, Is.EqualTo(expected[@class]).Within(MeanError * Math.Sqrt(expected[@class] * (1 - expected[@class]))));
            }
        }
    }

    [Test]
    public void Dropout_DropsInTraining()
    {
        TensorData x = TensorData.Zeros(ElementType.Float32, Count), ratio = Elements(0.75f);
        x.Span<float>().Fill(3);
        using RoutineModel model = RoutineModel.Of(
            [TensorType.Of(ElementType.Float32, Count), TensorType.Of(ElementType.Float32), TensorType.Of(ElementType.Bool)],
            (g, v) => RoutineModel.Import(g, "Dropout", 13, 2, v, ("seed", 5L)));
        TensorData[] y = model.Check(x, ratio, Bool(1));
        double[] kept = y[0].ToDoubles();
        Assert.That(kept, Has.All.EqualTo(0).Or.EqualTo(12));
        Assert.That(kept.Average(), Is.EqualTo(3).Within(12 * MeanError * Math.Sqrt(0.25 * 0.75)));
        Assert.That(y[1].ToDoubles(), Is.EqualTo(kept.Select(v => v == 0 ? 0.0 : 1)));
        Assert.That(model.Check(x, ratio, Bool(0))[0].Bytes, Is.EqualTo(x.Bytes));
        Assert.That(model.Check(x, Elements(0), Bool(1))[0].Bytes, Is.EqualTo(x.Bytes));
        Assert.That(model.Check(x, Elements(1), Bool(1))[0].ToDoubles(), Has.All.Zero);

        static TensorData Elements(float value) => TensorData.OfFloats([value]);
        static TensorData Bool(byte value) => TensorData.Of<byte>(ElementType.Bool, [value]);
    }

    [Test]
    public void Draws_RefuseWhatIsNoFloat() =>
        Assert.That(OperatorCase.Refusal(new Draw([3], ElementType.Int32)), Does.Contain("int32"));
}
