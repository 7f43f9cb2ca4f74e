using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Compiler.Passes;
using Lathe.Kernels;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class ChooseWinogradTests
{
    [Test]
    public void Transform_OfAnySize_IsCorrelation([Values(1, 2, 3, 4, 5)] int outputs, [Values(1, 2, 3, 4)] int kernel)
    {
        WinogradTransform transform = WinogradTransform.Of(outputs, kernel);
        Random random = new(outputs + (10 * kernel));
        double[] d = [.. Enumerable.Range(0, transform.Size).Select(_ => random.NextDouble() - 0.5)], g = [.. Enumerable.Range(0, kernel).Select(_ => random.NextDouble() - 0.5)];
        for (int y = 0; y < outputs; y++)
        {
            double sum = 0;
            for (int p = 0; p < transform.Size; p++)
            {
                double input = Enumerable.Range(0, transform.Size).Sum(k => transform.Input[p, k] * d[k]), weight = Enumerable.Range(0, kernel).Sum(k => transform.Weights[p, k] * g[k]);
                sum += transform.Output[y, p] * input * weight;
            }

            Assert.That(sum, Is.EqualTo(Enumerable.Range(0, kernel).Sum(k => d[y + k] * g[k])).Within(1e-12));
        }
    }

    [TestCase(56, 56, 64, 64, 4)]
    [TestCase(28, 28, 128, 128, 4)]
    // The weights of larger tiles would have to come from far away.
    [TestCase(14, 14, 256, 256, 2)]
    [TestCase(7, 7, 512, 512, 0)]
    [TestCase(1, 1, 64, 64, 0, Description = "most of a tile would lie beyond the output")]
    [TestCase(56, 56, 40, 24, 4)]
    public void Tile_IsTheCheapest(int high, int wide, int channels, int filters, int tile)
    {
        Compiler.Graph.Graph result = new ChooseWinograd().Run(Graph(1, high, wide, channels, filters, new Conv(Pads: [1, 1, 1, 1])), new PassContext(new CompileOptions()));
        Assert.That(result.TopologicalOrder().Select(n => n.Op).OfType<WinogradConv>().Select(op => (int)op.Tile).SingleOrDefault(), Is.EqualTo(tile));
    }

    [Test]
    public void WhatIsNoPlainConvolution_Stays([Values(0, 1, 2, 3, 4)] int kind)
    {
        Conv conv = kind switch
        {
            0 => new Conv(Pads: [1, 1, 1, 1], Strides: [2, 2]),
            1 => new Conv(Pads: [2, 2, 2, 2], Dilations: [2, 2]),
            2 => new Conv(Pads: [1, 1, 1, 1], Group: 2),
            _ => new Conv(Pads: [1, 1, 1, 1]),
        };
        CompileOptions options = new() { Winograd = kind != 3, Optimize = kind != 4 };
        Compiler.Graph.Graph graph = Graph(1, 56, 56, 64, 64, conv);
        Assert.That(GraphPrinter.Print(new ChooseWinograd().Run(graph, new PassContext(options))), Is.EqualTo(GraphPrinter.Print(graph)));
    }

    /// <summary>
    /// The errors of both algorithms against float64, of the largest element, with rounded weights and sums in float32. F(2x2) errs as a direct sum does, F(4x4) twice as much.
    /// What errs beyond 4e-6 is not among the tiles to choose from.
    /// </summary>
    [Test]
    public void Error_IsSmall([Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa, [Values(2, 4)] int tile, [Values(16, 64)] int channels)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        // As many tiles and filters as make the wanted tile the cheapest.
        Compiler.Graph.Graph graph = Graph(2, 17, 30, channels, 32, new Conv(Pads: [1, 0, 1, 2]));
        Node conv = graph.TopologicalOrder().Single(n => n.Op is Conv);
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", graph.Inputs[0].Value.Type));
        Value u = g.Constant(Rules.Weights.ConvAsWinograd.Transformed(conv.Inputs[1].Constant!, WinogradTransform.Of(tile, 3)));
        Value y = g.Add(new Relu(), g.Add(new WinogradConv(tile, [1, 0, 1, 2]), x, u, g.Constant(conv.Inputs[2].Constant!)));
        Compiler.Graph.Graph tiled = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []);

        TensorData input = RandomTensor.Of(ElementType.Float32, 7, [2, channels, 17, 30]);
        TensorData expected = GraphEvaluator.Run(graph, [input])[0];
        PassAssert.AssertSame(graph, tiled, 1e-5);
        using CompiledGraph compiled = new(tiled, isa: isa);
        Tensors.AssertClose(compiled.Run(input)[0], expected, tile == 2 ? 2e-6 : 4e-6);
    }

    [Test]
    public void WhatFollows_MayHaveNoVectors([Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa, [Values(0, 1, 2, 3, 4)] int kind)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, 16, 9, 10)));
        Value conv = g.Add(new Conv(Pads: [1, 1, 1, 1]), x, g.Constant(RandomTensor.Of(ElementType.Float32, 1, 20, 16, 3, 3)));
        Value half = g.Constant(TensorData.OfFloats([0.5f]));
        Value y = kind switch
        {
            0 => g.Add(new Greater(), conv, half),
            1 => g.Add(new Cast(ElementType.Int64), conv),
            2 => g.Add(new Cast(ElementType.Float16), conv),
            3 => g.Add(new Where(), g.Add(new Greater(), g.Add(new Abs(), conv), half), conv, half),
            _ => g.Add(new Mod(Fmod: true), conv, half),
        };
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
        Assert.That(new ChooseWinograd().Run(graph, new PassContext(new CompileOptions())).TopologicalOrder().Any(n => n.Op is WinogradConv));
        TensorData input = RandomTensor.Of(ElementType.Float32, 3, [1, 16, 9, 10]);
        using CompiledGraph compiled = new(graph, isa: isa);
        TensorData actual = compiled.Run(input)[0], expected = GraphEvaluator.Run(graph, [input])[0];
        TensorData values = GraphEvaluator.Run(g.Build("conv", [new GraphPort("x", x)], [new GraphPort("y", conv)], []), [input])[0];
        Assert.Multiple(() =>
        {
            for (int i = 0; i < expected.Count; i++)
            {
                // All of these step at multiples of a half: only what lies within the error of the convolution of one may come out on its other side.
                double halves = values.GetDouble(i) * 2;
                if (Math.Abs(halves - Math.Round(halves)) < 1e-4) continue;
                // A float16 has 11 bits, and either neighbour is right where the exact value lies between both.
                double tolerance = kind == 2 ? Math.Abs(expected.GetDouble(i)) * Math.Pow(2, -10) + 1e-5 : 1e-5;
                Assert.That(actual.GetDouble(i), Is.EqualTo(expected.GetDouble(i)).Within(tolerance), $"element {i} of {values.GetDouble(i)}");
            }
        });
    }

    [Test]
    public void SharedWeights_AreTransformedOnce()
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, 64, 56, 56))), w = g.Constant(RandomTensor.Of(ElementType.Float32, 1, 64, 64, 3, 3));
        Value y = g.Add(new Conv(Pads: [1, 1, 1, 1]), g.Add(new Conv(Pads: [1, 1, 1, 1]), x, w), w);
        Compiler.Graph.Graph result = new ChooseWinograd().Run(g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []), new PassContext(new CompileOptions()));
        Node[] tiled = [.. result.TopologicalOrder().Where(n => n.Op is WinogradConv)];
        Assert.That(tiled, Has.Length.EqualTo(2));
        Assert.That(tiled[0].Inputs[1].Constant, Is.SameAs(tiled[1].Inputs[1].Constant));
    }

    private static Compiler.Graph.Graph Graph(int images, int high, int wide, int channels, int filters, Conv conv)
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, images, channels, high, wide)));
        Value w = g.Constant(RandomTensor.Of(ElementType.Float32, 1, filters, channels / conv.Group, 3, 3)), b = g.Constant(RandomTensor.Of(ElementType.Float32, 2, filters));
        return g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new Relu(), g.Add(conv, x, w, b)))], []);
    }
}
