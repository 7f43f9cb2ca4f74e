using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Tests.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Routines;

/// <summary>What chooses among elements by their order, by value, by a condition or by overlap.</summary>
internal sealed class SelectionTests
{
    [TestCaseSource(typeof(RoutineModel), nameof(RoutineModel.Numbers))]
    public void TopK_OfEveryType(ElementType element)
    {
        TensorData[] x = [RoutineModel.Awkward(element, 1, 3, 17, 2), TensorData.OfInt64s(5)];
        using RoutineModel model = RoutineModel.Of([TensorType.Of(element, 3, 17, 2), TensorType.Of(ElementType.Int64, 1)], (g, v) =>
        [
            .. RoutineModel.Import(g, "TopK", 11, 2, v, ("axis", 1L)),
            .. RoutineModel.Import(g, "TopK", 11, 2, v, ("axis", -2L), ("largest", 0L), ("sorted", 0L)),
            .. RoutineModel.Import(g, "TopK", 10, 2, [v[0], g.Constant(TensorData.OfInt64s(2))]),
            .. RoutineModel.Import(g, "TopK", 1, 2, [v[0]], ("k", 0L), ("axis", 0L)),
        ]);
        model.Check(x);
        foreach (long k in (long[])[17, 1, 0, 16]) model.Check(RoutineModel.Awkward(element, k, 3, 17, 2), TensorData.OfInt64s(k));
        model.Refuses("18 of 17", x, x[0], TensorData.OfInt64s(18));
        model.Refuses("-1", x, x[0], TensorData.OfInt64s(-1));
    }

    [Test]
    public void TopK_ByHand()
    {
        TensorData x = OperatorCase.Floats(1, float.NaN, 3, 3, float.NegativeInfinity, float.NaN, float.PositiveInfinity), k = TensorData.OfInt64s(4);
        Assert.That(Indices(("largest", 1L)), Is.EqualTo(new long[] { 1, 5, 6, 2 }));
        Assert.That(Indices(("largest", 0L)), Is.EqualTo(new long[] { 4, 0, 2, 3 }));
        TensorData zeros = OperatorCase.Floats(-0f, 0f, -0f);
        Assert.That(OperatorCase.Import("TopK", 11, 2, [zeros, TensorData.OfInt64s(3)])[1].ToInt64s(), Is.EqualTo(new long[] { 0, 1, 2 }));

        long[] Indices(params (string, object)[] attributes)
        {
            using RoutineModel model = RoutineModel.Of("TopK", 11, 2, [x, k], attributes);
            return model.Check(x, k)[1].ToInt64s();
        }
    }

    [Test]
    public void TopK_OfNothing()
    {
        TensorData[] none = [TensorData.Zeros(ElementType.Float32, 0, 4), TensorData.OfInt64s(2)];
        using RoutineModel rows = RoutineModel.Of("TopK", 11, 2, none);
        rows.Check(none);
        TensorData[] empty = [TensorData.Zeros(ElementType.Float32, 4, 0), TensorData.OfInt64s(0)];
        using RoutineModel model = RoutineModel.Of("TopK", 11, 2, empty);
        model.Check(empty);
        model.Refuses("1 of 0", empty, empty[0], TensorData.OfInt64s(1));
        Assert.That(OperatorCase.Refusal(new Compiler.Operators.Selection.TopK(5), OperatorCase.Float32("3", "4")), Does.Contain("wants 5"));
    }

    [TestCaseSource(typeof(RoutineModel), nameof(RoutineModel.Elements))]
    public void Unique_OfEveryType(ElementType element)
    {
        using RoutineModel model = RoutineModel.Of([TensorType.Of(element, 2, 30), TensorType.Of(element, 2, 9, 2)], (g, v) =>
        [
            .. RoutineModel.Import(g, "Unique", 11, 4, [v[0]]),
            .. RoutineModel.Import(g, "Unique", 11, 4, [v[0]], ("sorted", 0L)),
            .. RoutineModel.Import(g, "Unique", 11, 4, [v[1]], ("axis", 1L)),
            .. RoutineModel.Import(g, "Unique", 11, 4, [v[1]], ("axis", -2L), ("sorted", 0L)),
            .. RoutineModel.Import(g, "Unique", 11, 4, [v[1]], ("axis", 2L)),
        ]);
        for (int seed = 0; seed < 4; seed++) model.Check(RoutineModel.Awkward(element, seed, 2, 30), Slices(element, seed));
        model.Check(TensorData.Zeros(element, 2, 30), TensorData.Zeros(element, 2, 9, 2));

        static TensorData Slices(ElementType element, int seed)
        {
            // Few values, so that whole slices are equal.
            TensorData x = RandomTensor.Of(ElementType.Bool, seed, 2, 9, 2), y = TensorData.Zeros(element, 2, 9, 2);
            for (int i = 0; i < x.Count; i++) y.SetInt64(i, x.GetInt64(i));
            return y;
        }
    }

    [Test]
    public void Unique_ByHand()
    {
        TensorData x = OperatorCase.Floats(2, float.NaN, -0f, 2, 0, float.NaN, 1);
        using RoutineModel model = RoutineModel.Of("Unique", 11, 4, [x]);
        TensorData[] y = model.Check(x);
        Assert.That(y[0].ToDoubles(), Is.EqualTo(new[] { 0, 1, 2, double.NaN }));
        Assert.That(y[1].ToInt64s(), Is.EqualTo(new long[] { 2, 6, 0, 1 }));
        Assert.That(y[2].ToInt64s(), Is.EqualTo(new long[] { 2, 3, 0, 2, 0, 3, 1 }));
        Assert.That(y[3].ToInt64s(), Is.EqualTo(new long[] { 2, 1, 2, 2 }));
        TensorData[] first = OperatorCase.Import("Unique", 11, 4, [OperatorCase.Floats(2, 1, 1, 3, 4, 3)], ("sorted", 0L));
        Assert.That(first[0].ToDoubles(), Is.EqualTo(new double[] { 2, 1, 3, 4 }));
        Assert.That(first[1].ToInt64s(), Is.EqualTo(new long[] { 0, 1, 3, 4 }));
        Assert.That(first[3].ToInt64s(), Is.EqualTo(new long[] { 1, 2, 2, 1 }));
    }

    [Test]
    public void Unique_OfNothing()
    {
        foreach ((long[] dims, (string, object)[] attributes) in ((long[], (string, object)[])[])
            [([0], []), ([], []), ([0, 3], [("axis", 0L)]), ([3, 0], [("axis", 0L)]), ([3, 0], [("axis", 1L)])])
        {
            TensorData x = TensorData.Zeros(ElementType.Float32, dims);
            using RoutineModel model = RoutineModel.Of("Unique", 11, 4, [x], attributes);
            model.Check(x);
        }
    }

    [TestCaseSource(typeof(RoutineModel), nameof(RoutineModel.Elements))]
    public void Compress_OfEveryType(ElementType element)
    {
        using RoutineModel model = RoutineModel.Of([TensorType.Of(element, 3, 5), TensorType.Of(ElementType.Bool, 4)], (g, v) =>
        [
            .. RoutineModel.Import(g, "Compress", 11, 1, v, ("axis", 1L)),
            .. RoutineModel.Import(g, "Compress", 11, 1, v, ("axis", -2L)),
            .. RoutineModel.Import(g, "Compress", 9, 1, v),
        ]);
        for (int seed = 0; seed < 4; seed++) model.Check(RandomTensor.Of(element, seed, 3, 5), RandomTensor.Of(ElementType.Bool, seed + 9, 4));
        model.Check(RandomTensor.Of(element, 1, 3, 5), TensorData.Zeros(ElementType.Bool, 4));
    }

    [Test]
    public void Compress_ByHand()
    {
        TensorData x = TensorData.OfFloats([1, 2, 3, 4, 5, 6], 3, 2);
        Assert.That(OperatorCase.Import("Compress", 11, [x, Bools(0, 1, 1)], ("axis", 0L))[0].ToDoubles(), Is.EqualTo(new double[] { 3, 4, 5, 6 }));
        Assert.That(OperatorCase.Import("Compress", 11, [x, Bools(0, 1)], ("axis", 1L))[0].ToDoubles(), Is.EqualTo(new double[] { 2, 4, 6 }));
        Assert.That(OperatorCase.Import("Compress", 11, [x, Bools(0, 1, 0, 0, 1)])[0].ToDoubles(), Is.EqualTo(new double[] { 2, 5 }));

        static TensorData Bools(params byte[] values) => TensorData.Of<byte>(ElementType.Bool, values, values.Length);
    }
}
