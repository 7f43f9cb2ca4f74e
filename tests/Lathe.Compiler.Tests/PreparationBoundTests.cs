using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Passes;
using Lathe.Runtime;
using Lathe.Runtime.Plans;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>How much is computed of weights when a model is loaded.</summary>
internal sealed class PreparationBoundTests
{
    [Test]
    public void Expansions_OfSmallConstants_AreSteps()
    {
        ModelGraph graph = Expansions(layers: 12, width: 2048);
        CompiledOutput compiled = Compilation.Compile(graph, "Tests.Subject", "model", "", new PassContext(new CompileOptions { Isas = [Isa.Avx2] }));
        Assert.That(compiled.Report.WeightBytes, Is.LessThan(110_000));
        Assert.That(compiled.Report.PreparedBytes, Is.Zero);
    }

    [Test]
    public void Expansions_ComputeTheSame()
    {
        ModelGraph graph = Expansions(layers: 2, width: 256);
        using CompiledGraph compiled = new(graph);
        TensorData x = RandomTensor.Of(ElementType.Float32, 1, 2, 256);
        float[] actual = [.. compiled.Run(x)[0].Span<float>()], expected = [.. GraphEvaluator.Run(graph, [x])[0].Span<float>()];
        // Sums of 256 products, twice, in another order.
        Assert.That(actual, Is.EqualTo(expected).Within(1e-4f * expected.Max(Math.Abs)));
    }

    [Test]
    public void AllTogether_AreBoundedByTheConstants([Values(2, 64)] int readers)
    {
        // Each may be prepared by itself: four times the elements of one constant that all of them read.
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 2, 256))), weight = g.Constant(RandomTensor.Of(ElementType.Float32, 1, 64, 256)), sum = x;
        for (int i = 0; i < readers; i++)
        {
            Value scaled = DataDependentShapeTests.Import(g, "Mul", 14, weight, g.Constant(TensorData.OfFloats([i + 2f])));
            sum = g.Add(new MatMul(), sum, DataDependentShapeTests.Import(g, "Tile", 13, scaled, g.Constant(TensorData.OfInt64s([4, 1]))));
        }

        ModelGraph graph = g.Build("readers", [new GraphPort("x", x)], [new GraphPort("y", sum)], []);
        CompiledOutput compiled = Compilation.Compile(graph, "Tests.Subject", "model", "", new PassContext(new CompileOptions { Isas = [Isa.Avx2] }));
        Assert.That(compiled.Report.PreparedBytes, Is.GreaterThan(0).And.LessThanOrEqualTo(8 * compiled.Report.WeightBytes));
    }

    private static ModelGraph Expansions(int layers, long width)
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 2, width))), y = x;
        for (int i = 0; i < layers; i++)
        {
            Value row = g.Constant(RandomTensor.Of(ElementType.Float32, i, 1, width));
            y = g.Add(new MatMul(), y, DataDependentShapeTests.Import(g, "Expand", 13, row, g.Constant(TensorData.OfInt64s([width, width]))));
        }

        return g.Build("expansions", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
    }
}
