using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;

namespace Lathe.Compiler.Tests.Onnx;

[TestFixture]
internal sealed class LegacyBroadcastTests
{
    [TestCase(0L, new[] { 11f, 12f, 13f, 24f, 25f, 26f })]
    [TestCase(-2L, new[] { 11f, 12f, 13f, 24f, 25f, 26f })]
    public void SecondOperand_MeetsTheFirstFromItsAxisOn(long axis, float[] expected) =>
        Assert.That(Sum([10, 20], 2, ("broadcast", 1L), ("axis", axis)), Is.EqualTo(expected));

    [Test]
    public void WithoutAxis_ItMeetsTheLastDims() =>
        Assert.That(Sum([10, 20, 30], 3, ("broadcast", 1L)), Is.EqualTo(new[] { 11f, 22f, 33f, 14f, 25f, 36f }));

    private static float[] Sum(float[] b, long length, params (string, object)[] attributes)
    {
        Compiler.Graph.Graph graph = new ModelBuilder(6).Input("a", 2, 3).Input("b", length).Output("y").Node("Add", ["a", "b"], ["y"], attributes).Graph();
        return GraphEvaluator.Run(graph, [TensorData.OfFloats([1, 2, 3, 4, 5, 6], 2, 3), TensorData.OfFloats(b, length)])[0].Span<float>().ToArray();
    }
}
