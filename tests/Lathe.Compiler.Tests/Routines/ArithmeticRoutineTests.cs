using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Tests.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Routines;

/// <summary>Cumulative sums and products, and determinants.</summary>
internal sealed class ArithmeticRoutineTests
{
    [TestCaseSource(typeof(RoutineModel), nameof(RoutineModel.Numbers))]
    public void Cumulations_OfEveryType(ElementType element)
    {
        using RoutineModel model = RoutineModel.Of([TensorType.Of(element, 3, 5, 2), TensorType.Of(ElementType.Int32)], (g, v) =>
        [
            .. from type in (string[])["CumSum", "CumProd"]
               from exclusive in (long[])[0, 1]
               from reverse in (long[])[0, 1]
               select RoutineModel.Import(g, type, 26, 1, v, ("exclusive", exclusive), ("reverse", reverse))[0],
        ]);
        foreach (int axis in (int[])[0, 1, 2, -1, -3])
            model.Check(RoutineModel.Awkward(element, axis + 3, 3, 5, 2), Axis(axis));
        TensorData[] x = [RandomTensor.Of(element, 1, 3, 5, 2), Axis(0)];
        foreach (int axis in (int[])[3, -4, int.MinValue]) model.Refuses($"index {axis}", x, x[0], Axis(axis));

        static TensorData Axis(int axis) => TensorData.Of<int>(ElementType.Int32, [axis]);
    }

    [Test]
    public void Cumulations_ByHand()
    {
        TensorData x = OperatorCase.Floats(1, 2, 3, 4), axis = TensorData.OfInt64s(0);
        Assert.That(Import("CumSum"), Is.EqualTo(new double[] { 1, 3, 6, 10 }));
        Assert.That(Import("CumSum", ("exclusive", 1L)), Is.EqualTo(new double[] { 0, 1, 3, 6 }));
        Assert.That(Import("CumSum", ("exclusive", 1L), ("reverse", 1L)), Is.EqualTo(new double[] { 9, 7, 4, 0 }));
        Assert.That(Import("CumProd", ("reverse", 1L)), Is.EqualTo(new double[] { 24, 24, 12, 4 }));
        Assert.That(Import("CumProd", ("exclusive", 1L)), Is.EqualTo(new double[] { 1, 1, 2, 6 }));

        double[] Import(string type, params (string, object)[] attributes) => OperatorCase.Import(type, 14, [x, axis], attributes)[0].ToDoubles();
    }

    [Test]
    public void Cumulations_OfNothing()
    {
        foreach (long[] dims in (long[][])[[0], [3, 0], [0, 3]])
        {
            TensorData[] x = [TensorData.Zeros(ElementType.Float32, dims), TensorData.OfInt64s(0)];
            using RoutineModel model = RoutineModel.Of("CumSum", 14, 1, x);
            model.Check(x);
        }

        Assert.That(
            OperatorCase.Refusal(new Compiler.Operators.Reductions.CumSum(), OperatorCase.Float32(), OperatorCase.Typed(ElementType.Int64)), Does.Contain("no axis"));
    }

    [TestCase(ElementType.Float16)]
    [TestCase(ElementType.Float32)]
    [TestCase(ElementType.Float64)]
    [TestCase(ElementType.BFloat16)]
    public void Det_OfEveryType(ElementType element)
    {
        foreach (long[] dims in (long[][])[[5, 5], [2, 3, 4, 4], [3, 1, 1], [2, 0, 0], [0, 2, 2]])
        {
            TensorData x = RandomTensor.Of(element, 1, dims);
            using RoutineModel model = RoutineModel.Of("Det", 22, 1, [x]);
            model.Check(x);
            model.Check(RandomTensor.Of(element, 2, dims));
            model.Check(RoutineModel.Awkward(element, 3, dims));
            model.Check(TensorData.Zeros(element, dims));
        }
    }

    [Test]
    public void Det_ByHand()
    {
        Assert.That(Det(2, 0, 1, 1, 0), Is.EqualTo(-1), "rows exchanged");
        Assert.That(Det(2, 1, 2, 3, 4), Is.EqualTo(-2).Within(1e-6));
        Assert.That(Det(3, 2, 0, 0, 0, 3, 0, 0, 0, 4), Is.EqualTo(24));
        Assert.That(Det(2, 1, 2, 2, 4), Is.Zero);
        Assert.That(Det(2, 0, 1, float.NaN, 1), Is.NaN);
        Assert.That(OperatorCase.Refusal(new Det(), OperatorCase.Float32("2", "3")), Does.Contain("square"));

        static float Det(long n, params float[] values) => OperatorCase.Floats(new Det(), TensorData.OfFloats(values, n, n))[0];
    }
}
