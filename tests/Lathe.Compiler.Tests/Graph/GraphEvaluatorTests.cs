using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Tests.Graph;

[TestFixture]
internal sealed class GraphEvaluatorTests
{
    private static readonly Compiler.Graph.Graph Dynamic = GraphParser.Parse("""
        graph "g"
        symbol N = 1..64
        %x = input "x" : float32[N, 4]
        %w = input "w" : float32[N + 1]
        %1 = Reshape(%x) {Dims=[2*N, 2]}
        return "y" = %1, "again" = %1, "w" = %w
        """);

    [Test]
    public void Symbols_TakeTheirValuesFromTheInputs()
    {
        IReadOnlyList<TensorData> outputs = GraphEvaluator.Run(Dynamic, [TensorData.OfFloats(new float[12], 3, 4), TensorData.OfFloats(new float[4], 4)]);
        Assert.That(outputs.Select(o => string.Join(",", o.Dims)), Is.EqualTo(new[] { "6,2", "6,2", "4" }));
    }

    [Test]
    public void Inputs_ThatDoNotFit_AreRefused()
    {
        Refused("'w'", TensorData.OfFloats(new float[12], 3, 4), TensorData.OfFloats(new float[5], 5));
        Refused("'x'", TensorData.OfFloats(new float[12], 12), TensorData.OfFloats(new float[4], 4));
        Refused("2 inputs", TensorData.OfFloats(new float[12], 3, 4));

        static void Refused(string reason, params TensorData[] inputs) =>
            Assert.That(() => GraphEvaluator.Run(Dynamic, inputs), Throws.ArgumentException.With.Message.Contains(reason));
    }
}
