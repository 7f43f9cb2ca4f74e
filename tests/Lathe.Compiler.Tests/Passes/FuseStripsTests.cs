using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Passes;
using Lathe.Kernels;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class FuseStripsTests
{
    [Test]
    public void Chain_IsOneKernel([Values(true, false)] bool before, [Values(true, false)] bool after)
    {
        Compiler.Graph.Graph graph = Graph(before: before, after: after), result = Lowered(graph);
        Fused[] groups = [.. Groups(result)];
        string[] expected = [.. before ? (string[])["Conv", "Relu"] : [], "Conv", "Clip", .. after ? (string[])["Conv", "Add"] : []];
        Assert.That(groups.Select(f => string.Join("+", f.Operators.Select(o => o.Name))), Does.Contain(string.Join("+", expected)));
        Assert.That(groups.Count(f => f.Root.Op is Conv), Is.EqualTo(1));
    }

    [Test]
    public void Ring_IsWhatHasToFit([Values(144, 480)] int channels)
    {
        // Five rows of 58 columns: 167 KB for 144 channels, 557 KB for 480.
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, 16, 54, 54))), expanded = Pointwise(g, x, 16, channels);
        Value y = g.Add(new Conv(Pads: [2, 2, 2, 2], Group: channels), expanded, g.Constant(RandomTensor.Of(ElementType.Float32, 3, channels, 1, 5, 5)));
        Assert.That(Groups(Lowered(g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []))).Any(f => f.Members.Any(m => m.Op is Fused)), Is.EqualTo(channels == 144));
    }

    [TestCase("small")]
    [TestCase("few rows")]
    [TestCase("two images")]
    [TestCase("read by others")]
    [TestCase("an output")]
    [TestCase("read by what follows")]
    [TestCase("in groups")]
    [TestCase("a value outside")]
    public void WhatIsNoChain_Stays(string kind) => Assert.That(
        Groups(Lowered(Graph(before: true, after: false, kind))).Where(f => f.Root.Op is Conv).Select(f => f.Members.Any(m => m.Op is Fused)), Is.All.False);

    [Test]
    public void ThreeInARow_ArePairs()
    {
        // A pointwise convolution between two depthwise ones ends the first chain; the second begins behind it.
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, 32, 72, 72))), y = x;
        for (int i = 0; i < 3; i++) y = Pointwise(g, Depthwise(g, y, 32), 32, 32);
        Fused[] groups = [.. Groups(Lowered(g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []))).Where(f => f.Root.Op is Conv)];
        Assert.That(groups.Select(f => f.Operators.Count(o => o is Conv)), Is.EqualTo(new[] { 2, 2, 2 }));
    }

    [Test]
    public void Chain_ComputesTheSame([Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa, [Values(1, 2)] int stride, [Values(1, 2)] int threads)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        Compiler.Graph.Graph graph = Graph(before: true, after: true, stride: stride);
        Assert.That(Groups(Lowered(graph)).Count(f => f.Root.Op is Conv), Is.EqualTo(1));
        TensorData input = RandomTensor.Of(ElementType.Float32, 3, [1, 20, 73, 70]);
        using CompiledGraph compiled = new(graph, isa: isa, threads: threads);
        // Sums of at most 40 terms of about one, in three layers.
        Tensors.AssertClose(compiled.Run(input)[0], GraphEvaluator.Run(graph, [input])[0], 4e-6);
    }

    [Test]
    public void WhatFollows_MayHaveNoVectors()
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, 20, 66, 66)));
        Value half = g.Constant(TensorData.OfFloats([0.5f]));
        // A remainder steps at multiples of a half; of absolute values below a quarter none is near.
        Value small = g.Add(new Clip(), Pointwise(g, x, 20, 40), g.Constant(TensorData.OfFloats([-0.2f])), g.Constant(TensorData.OfFloats([0.2f])));
        Value y = Depthwise(g, g.Add(new Mod(Fmod: true), small, half), 40);
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
        Assert.That(Groups(Lowered(graph)).Any(f => f.Members.Any(m => m.Op is Fused)));
        TensorData input = RandomTensor.Of(ElementType.Float32, 3, [1, 20, 66, 66]);
        using CompiledGraph compiled = new(graph, threads: 3);
        Tensors.AssertClose(compiled.Run(input)[0], GraphEvaluator.Run(graph, [input])[0], 4e-6);
    }

    private static IEnumerable<Fused> Groups(Compiler.Graph.Graph graph) => graph.TopologicalOrder().Select(n => n.Op).OfType<Fused>();

    private static Compiler.Graph.Graph Lowered(Compiler.Graph.Graph graph) => Pipeline.RunLower(graph, new PassContext(new CompileOptions()));

    private static Value Pointwise(GraphBuilder g, Value x, int channels, int filters, int groups = 1) =>
        g.Add(new Conv(Group: groups), x, g.Constant(RandomTensor.Of(ElementType.Float32, 1, filters, channels / groups, 1, 1)), g.Constant(RandomTensor.Of(ElementType.Float32, 2, filters)));

    private static Value Depthwise(GraphBuilder g, Value x, int channels, int stride = 1, params Value[] outside) => g.Add(
        new Conv(Pads: [1, 1, 1, 1], Strides: [stride, stride], Group: channels), [x, g.Constant(RandomTensor.Of(ElementType.Float32, 3, channels, 1, 3, 3)), g.Constant(RandomTensor.Of(ElementType.Float32, 4, channels)), .. outside]);

    /// <summary>20 → 40 channels pointwise, 3x3 depthwise, 40 → 20 pointwise, to which is added.</summary>
    private static Compiler.Graph.Graph Graph(bool before, bool after, string kind = "", int stride = 1)
    {
        GraphBuilder g = new();
        (int high, int wide) = kind switch { "small" => (9, 9), "few rows" => (9, 600), _ => (73, 70) };
        int channels = before ? 20 : 40;
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, kind == "two images" ? 2 : 1, channels, high, wide))), y = x;
        List<GraphPort> outputs = [];
        if (before) y = g.Add(new Relu(), Pointwise(g, y, 20, 40, kind == "in groups" ? 2 : 1));
        Value expanded = y;
        y = g.Add(
            new Clip(), Depthwise(g, y, 40, stride, kind == "a value outside" ? [g.Constant(RandomTensor.Of(ElementType.Float32, 5, 40))] : []),
            g.Constant(TensorData.OfFloats([0f])), g.Constant(TensorData.OfFloats([6f])));
        if (kind == "read by what follows") y = g.Add(new Add(), y, expanded);
        if (kind == "read by others") outputs.Add(new GraphPort("z", g.Add(new Exp(), expanded)));
        if (kind == "an output") outputs.Add(new GraphPort("z", expanded));
        // What is added lies in memory where it has the shape of the result: the input itself, which the chain reads ahead of what it writes.
        if (after) y = g.Add(new Add(), Pointwise(g, y, 40, 20), before && stride == 1 ? x : g.Constant(RandomTensor.Of(ElementType.Float32, 6, 1, 20, 1, 1)));
        return g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y), .. outputs], []);
    }
}
