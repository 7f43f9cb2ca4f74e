using Lathe.Compiler.Graph;
using Lathe.Compiler.Passes;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Tests.Passes;

/// <summary>Runs passes on graphs in text form.</summary>
internal static class PassAssert
{
    /// <summary>
    /// Asserts that a pass turns one graph into another, that the result keeps a graph's promises, and that both compute the same from random inputs.
    /// </summary>
    public static void Rewrites(IPass pass, string before, string after, double tolerance = 1e-5, CompileOptions? options = null)
    {
        Compiler.Graph.Graph graph = GraphParser.Parse(before);
        Compiler.Graph.Graph result = pass.Run(graph, new PassContext(options ?? new CompileOptions()));
        GraphVerifier.Verify(result, pass.Name);
        Assert.That(GraphPrinter.Print(result, withNames: false), Is.EqualTo(GraphPrinter.Print(GraphParser.Parse(after), withNames: false)));
        AssertSame(graph, result, tolerance);
    }

    /// <summary>Asserts that a pass leaves a graph as it is.</summary>
    public static void Keeps(IPass pass, string graph, CompileOptions? options = null) => Rewrites(pass, graph, graph, 0, options);

    /// <summary>Asserts that two graphs compute the same from random inputs.</summary>
    public static void AssertSame(Compiler.Graph.Graph before, Compiler.Graph.Graph after, double tolerance)
    {
        for (int seed = 0; seed < 3; seed++)
        {
            TensorData[] inputs = [.. before.Inputs.Select((port, i) => Random(port.Value.Type, (seed * 100) + i))];
            IReadOnlyList<TensorData> expected = GraphEvaluator.Run(before, inputs), actual = GraphEvaluator.Run(after, inputs);
            Assert.That(actual, Has.Count.EqualTo(expected.Count));
            for (int i = 0; i < expected.Count; i++) Tensors.AssertClose(actual[i], expected[i], tolerance);
        }
    }

    /// <summary>A tensor of a type whose symbols are two more than they must be.</summary>
    private static TensorData Random(TensorType type, long seed) =>
        RandomTensor.Of(type.Element, seed, [.. type.Dims.Select(d => d.Evaluate(s => s.Min + 2))]);
}
