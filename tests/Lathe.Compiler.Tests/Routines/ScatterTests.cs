using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Scattering;
using Lathe.Compiler.Tests.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Routines;

/// <summary>What writes at indices that come from data.</summary>
internal sealed class ScatterTests
{
    private static readonly string[] Reductions = ["none", "add", "mul", "min", "max"];

    [TestCaseSource(typeof(RoutineModel), nameof(RoutineModel.Elements))]
    public void ScatterElements_OfEveryType(ElementType element)
    {
        using RoutineModel model = RoutineModel.Of(
            [TensorType.Of(element, 3, 5), TensorType.Of(ElementType.Int64, 2, 4), TensorType.Of(element, 2, 4)],
            (g, v) =>
            [
                .. Reductions.Select(r => RoutineModel.Import(g, "ScatterElements", 18, 1, v, ("axis", 1L), ("reduction", r))[0]),
                .. RoutineModel.Import(g, "Scatter", 9, 1, v, ("axis", -1L)),
            ]);
        for (int seed = 0; seed < 4; seed++)
            model.Check(RoutineModel.Awkward(element, seed, 3, 5), Indices(seed, 5, 2, 4), RoutineModel.Awkward(element, seed + 9, 2, 4));
    }

    [TestCaseSource(typeof(RoutineModel), nameof(RoutineModel.Elements))]
    public void ScatterND_OfEveryType(ElementType element)
    {
        using RoutineModel model = RoutineModel.Of(
            [TensorType.Of(element, 3, 3, 2), TensorType.Of(ElementType.Int64, 4, 2), TensorType.Of(element, 4, 2)],
            (g, v) => [.. Reductions.Select(r => RoutineModel.Import(g, "ScatterND", 18, 1, v, ("reduction", r))[0])]);
        for (int seed = 0; seed < 4; seed++)
            model.Check(RoutineModel.Awkward(element, seed, 3, 3, 2), Indices(seed, 3, 4, 2), RoutineModel.Awkward(element, seed + 9, 4, 2));
    }

    [Test]
    public void Duplicates_ComeInOrder()
    {
        TensorData x = OperatorCase.Floats(1, 2, 3), at = TensorData.OfInt64s(1, -2, 1), updates = OperatorCase.Floats(10, 20, 30);
        double[][] expected = [[1, 30, 3], [1, 62, 3], [1, 12000, 3], [1, 2, 3], [1, 30, 3]];
        foreach ((string reduction, double[] values) in Reductions.Zip(expected))
        {
            using RoutineModel model = RoutineModel.Of("ScatterElements", 18, 1, [x, at, updates], ("reduction", reduction));
            Assert.That(model.Check(x, at, updates)[0].ToDoubles(), Is.EqualTo(values), reduction);
            TensorData rows = at.Reshape(3, 1);
            using RoutineModel nd = RoutineModel.Of("ScatterND", 18, 1, [x, rows, updates], ("reduction", reduction));
            Assert.That(nd.Check(x, rows, updates)[0].ToDoubles(), Is.EqualTo(values), reduction);
        }
    }

    [Test]
    public void Indices_OutsideAreRefused()
    {
        TensorData x = OperatorCase.Floats(1, 2, 3), updates = OperatorCase.Floats(4, 5);
        foreach ((string type, long[] dims) in ((string, long[])[])[("ScatterElements", [2]), ("ScatterND", [2, 1])])
        {
            TensorData[] good = [x, TensorData.OfInt64s(0, -3).Reshape(dims), updates];
            using RoutineModel model = RoutineModel.Of(type, 18, 1, good);
            foreach (long index in (long[])[3, -4, long.MaxValue, long.MinValue])
                model.Refuses($"index {index} is outside", good, x, TensorData.OfInt64s(0, index).Reshape(dims), updates);
        }
    }

    [Test]
    public void Scatters_OfNothing()
    {
        TensorData x = OperatorCase.Floats(1, 2, 3), none = TensorData.Zeros(ElementType.Float32, 0);
        Check("ScatterElements", x, TensorData.Zeros(ElementType.Int64, 0), none);
        Check("ScatterElements", none, TensorData.Zeros(ElementType.Int64, 0), none);
        Check("ScatterND", x, TensorData.Zeros(ElementType.Int64, 0, 1), none);
        // Rows without indices stand for the whole tensor.
        Check("ScatterND", x, TensorData.Zeros(ElementType.Int64, 2, 0), TensorData.OfFloats([4, 5, 6, 7, 8, 9], 2, 3));

        static void Check(string type, params TensorData[] inputs)
        {
            using RoutineModel model = RoutineModel.Of(type, 18, 1, inputs);
            model.Check(inputs);
        }
    }

    [Test]
    public void Scatters_RefuseWhatDoesNotFit()
    {
        TensorType x = OperatorCase.Float32("3", "4"), index = OperatorCase.Typed(ElementType.Int64, "2", "2"), updates = OperatorCase.Float32("2", "2");
        Assert.That(OperatorCase.Refusal(new ScatterElements(Reduction: "sum"), x, index, updates), Does.Contain("'sum'"));
        Assert.That(OperatorCase.Refusal(new ScatterElements(Axis: 2), x, index, updates), Does.Contain("axis 2"));
        Assert.That(OperatorCase.Refusal(new ScatterElements(), x, index, OperatorCase.Float32("2", "3")), Does.Contain("not as many"));
        Assert.That(OperatorCase.Refusal(new ScatterElements(), x, OperatorCase.Typed(ElementType.Int64, "2", "5"), OperatorCase.Float32("2", "5")), Does.Contain("beyond axis 1"));
        Assert.That(OperatorCase.Refusal(new ScatterND(), x, OperatorCase.Typed(ElementType.Int64, "2", "3"), updates), Does.Contain("rows of 3"));
        Assert.That(OperatorCase.Refusal(new ScatterND(), x, index, updates), Does.Contain("rank 1"));
        Assert.That(OperatorCase.Refusal(new TensorScatter(Axis: 0), x, updates), Does.Contain("axis 0"));
    }

    [TestCaseSource(typeof(RoutineModel), nameof(RoutineModel.Elements))]
    public void TensorScatter_OfEveryType(ElementType element)
    {
        using RoutineModel model = RoutineModel.Of(
            [TensorType.Of(element, 2, 3, 5, 2), TensorType.Of(element, 2, 3, 2, 2), TensorType.Of(ElementType.Int64, 2)],
            (g, v) =>
            [
                .. RoutineModel.Import(g, "TensorScatter", 24, 1, v),
                .. RoutineModel.Import(g, "TensorScatter", 24, 1, v, ("mode", "circular"), ("axis", 2L)),
                .. RoutineModel.Import(g, "TensorScatter", 24, 1, [v[0], v[1]]),
            ]);
        TensorData[] x = [RandomTensor.Of(element, 1, 2, 3, 5, 2), RandomTensor.Of(element, 2, 2, 3, 2, 2), TensorData.OfInt64s(3, 1)];
        model.Check(x);
        model.Check(x[0], x[1], TensorData.OfInt64s(0, 3));
        foreach (long bad in (long[])[4, -1, long.MaxValue]) model.Refuses($"index {bad}", x, x[0], x[1], TensorData.OfInt64s(0, bad));
    }

    [Test]
    public void TensorScatter_GoesRound()
    {
        TensorData[] x = [TensorData.OfFloats([1, 2, 3, 4], 1, 4, 1), TensorData.OfFloats([8, 9], 1, 2, 1), TensorData.OfInt64s(3)];
        using RoutineModel model = RoutineModel.Of("TensorScatter", 24, 1, x, ("mode", "circular"));
        Assert.That(model.Check(x)[0].ToDoubles(), Is.EqualTo(new double[] { 9, 2, 3, 8 }));
        model.Refuses("index 4", x, x[0], x[1], TensorData.OfInt64s(4));
    }

    [Test]
    public void MaxUnpool_PutsElementsWhereTheyWere()
    {
        TensorData[] x = [TensorData.OfFloats([1, 2, 3, 4], 1, 1, 2, 2), TensorData.OfInt64s(5, 7, 13, 15).Reshape(1, 1, 2, 2), TensorData.OfInt64s(1, 1, 5, 4)];
        double[] own = [0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4];
        using RoutineModel plain = RoutineModel.Of("MaxUnpool", 11, 1, x[..2], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 }));
        Assert.That(plain.Check(x[..2])[0].ToDoubles(), Is.EqualTo(own));
        foreach (long bad in (long[])[16, -1, long.MinValue])
            plain.Refuses($"index {bad}", x[..2], x[0], TensorData.OfInt64s(5, 7, bad, 15).Reshape(1, 1, 2, 2));

        using RoutineModel larger = RoutineModel.Of("MaxUnpool", 11, 1, x, ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 }));
        Assert.That(larger.Check(x)[0].ToDoubles(), Is.EqualTo(own.Concat([0, 0, 0, 0])));
        larger.Check(x[0], x[1], TensorData.OfInt64s(2, 3, 6, 7));
        larger.Refuses("4 are to be held", x, x[0], x[1], TensorData.OfInt64s(1, 1, 4, 3));
    }

    [TestCase(ElementType.Float16)]
    [TestCase(ElementType.Float32)]
    [TestCase(ElementType.Float64)]
    [TestCase(ElementType.BFloat16)]
    public void MaxUnpool_UndoesAPool(ElementType element)
    {
        TensorData[] x = [RoutineModel.Awkward(element, 3, 2, 3, 4), Indices(5, 2 * 3 * 9, 2, 3, 4)];
        for (int i = 0; i < x[1].Count; i++) x[1].SetInt64(i, Math.Abs(x[1].GetInt64(i)) % (2 * 3 * 7));
        using RoutineModel model = RoutineModel.Of("MaxUnpool", 9, 1, x, ("kernel_shape", new long[] { 3 }), ("strides", new long[] { 2 }), ("pads", new long[] { 1, 1 }));
        model.Check(x);
        Assert.That(OperatorCase.Refusal(new MaxUnpool([3, 3]), OperatorCase.Float32("1", "1", "4"), OperatorCase.Typed(ElementType.Int64, "1", "1", "4")), Does.Contain("window"));
    }

    private static TensorData Indices(int seed, int dim, params long[] dims)
    {
        TensorData x = TensorData.Zeros(ElementType.Int64, dims);
        Random random = new(seed);
        for (int i = 0; i < x.Count; i++) x.SetInt64(i, random.Next(-dim, dim));
        return x;
    }
}
