using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Tests.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Routines;

/// <summary>The suppression of boxes that overlap better ones.</summary>
internal sealed class SuppressionTests
{
    private static readonly TensorData Most = TensorData.OfInt64s(3), Overlap = OperatorCase.Floats(0.5f), Above = OperatorCase.Floats(0.2f);

    [Test]
    public void Boxes_AreChosenByScore([Values] bool isCentered)
    {
        using RoutineModel model = RoutineModel.Of(
            [.. Inputs(0).Select(t => TensorType.Of(t.Element, t.Dims))],
            (g, v) =>
            [
                .. Import(g, v, isCentered),
                .. Import(g, v[..4], isCentered),
                .. Import(g, v[..3], isCentered),
                .. Import(g, v[..2], isCentered),
                .. Import(g, [v[0], v[1], v[2], Value.None, v[4]], isCentered),
                .. Import(g, [v[0], v[1], g.Constant(TensorData.OfInt64s(2)), v[3]], isCentered),
            ]);
        for (int seed = 0; seed < 6; seed++) model.Check(Inputs(seed));
        TensorData[] x = Inputs(1);
        foreach (long most in (long[])[0, -5, long.MaxValue, 1]) model.Check(x[0], x[1], TensorData.OfInt64s(most), x[3], x[4]);
        model.Check(RoutineModel.Awkward(ElementType.Float32, 4, 2, 20, 4), RoutineModel.Awkward(ElementType.Float32, 5, 2, 3, 20), Most, Overlap, Above);

        static IReadOnlyList<Value> Import(GraphBuilder g, Value[] inputs, bool isCentered) =>
            RoutineModel.Import(g, "NonMaxSuppression", 11, 1, inputs, ("center_point_box", isCentered ? 1L : 0L));
    }

    [Test]
    public void Boxes_ByHand()
    {
        // The second overlaps the first by 0.6; the third is that with its corners exchanged; the fourth is alone, the fifth has no area.
        TensorData boxes = TensorData.OfFloats([0, 0, 1, 1, 0, 0.25f, 1, 1.25f, 1, 1.25f, 0, 0.25f, 5, 5, 6, 6, 0, 0, 0, 1], 1, 5, 4);
        TensorData scores = TensorData.OfFloats([0.9f, 0.8f, 0.8f, 0.3f, 0.1f], 1, 1, 5);
        TensorData[] x = [boxes, scores, TensorData.OfInt64s(10), OperatorCase.Floats(0.5f), OperatorCase.Floats(0.05f)];
        using RoutineModel model = RoutineModel.Of("NonMaxSuppression", 11, 1, x);
        Assert.That(Chosen(x), Is.EqualTo(new long[] { 0, 3, 4 }));
        Assert.That(Chosen(boxes, scores, x[2], OperatorCase.Floats(0.6f), x[4]), Is.EqualTo(new long[] { 0, 1, 3, 4 }), "an overlap that is no more than the threshold");
        Assert.That(Chosen(boxes, scores, x[2], x[3], OperatorCase.Floats(0.3f)), Is.EqualTo(new long[] { 0 }), "scores have to be above the threshold");
        Assert.That(Chosen(boxes, scores, TensorData.OfInt64s(2), x[3], x[4]), Is.EqualTo(new long[] { 0, 3 }));

        long[] Chosen(params TensorData[] inputs) => [.. model.Check(inputs)[0].ToInt64s().Where((_, i) => i % 3 == 2)];
    }

    [Test]
    public void Boxes_OfNothing()
    {
        foreach ((long[] boxes, long[] scores) in ((long[], long[])[])[([1, 0, 4], [1, 2, 0]), ([0, 3, 4], [0, 2, 3]), ([1, 3, 4], [1, 0, 3])])
        {
            TensorData[] x = [TensorData.Zeros(ElementType.Float32, boxes), TensorData.Zeros(ElementType.Float32, scores), Most];
            using RoutineModel model = RoutineModel.Of("NonMaxSuppression", 11, 1, x);
            Assert.That(model.Check(x)[0].Dims, Is.EqualTo(new long[] { 0, 3 }));
        }

        Assert.That(
            OperatorCase.Refusal(new Compiler.Operators.Selection.NonMaxSuppression(), OperatorCase.Float32("1", "3", "4"), OperatorCase.Float32("1", "1", "2")),
            Does.Contain("do not fit"));
    }

    private static TensorData[] Inputs(int seed)
    {
        TensorData boxes = RandomTensor.Of(ElementType.Float32, seed, 2, 20, 4), scores = RandomTensor.Of(ElementType.Float32, seed + 7, 2, 3, 20);
        for (int i = 0; i < scores.Count; i++) scores.SetDouble(i, Math.Round(scores.GetDouble(i) * 5) / 5);
        return [boxes, scores, Most, Overlap, Above];
    }
}
