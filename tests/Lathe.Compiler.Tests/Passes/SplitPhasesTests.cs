using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Passes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class SplitPhasesTests
{
    /// <summary>Every combination that is a convolution: no more padding than the kernel reaches, no more output padding than the stride leaves room for.</summary>
    private static IEnumerable<TestCaseData> Kinds() =>
        from kernel in Enumerable.Range(1, 5)
        from stride in Enumerable.Range(1, 3)
        from pad in Enumerable.Range(0, 3)
        from beyond in Enumerable.Range(0, 2)
        where pad <= kernel - 1 + beyond && beyond < stride
        from named in (bool[])[false, true]
        select new TestCaseData(kernel, stride, pad, beyond, named);

    [TestCaseSource(nameof(Kinds))]
    public void TransposedConvolutions_OfAllKinds_AreConvolutions(int kernel, int stride, int pad, int beyond, bool named)
    {
        GraphBuilder g = new();
        IndexExpr height = named ? new IndexVar("H", 3, 40) : 4;
        Value x = g.Add(new Input("x", new TensorType(ElementType.Float32, [2, 6, height, 5])));
        Value y = g.Add(
            new ConvTranspose(Group: 2, Strides: (long[])[stride, 2], Pads: (long[])[pad, 1, Math.Min(1, pad), 0], OutputPadding: (long[])[beyond, 1]),
            x,
            g.Constant(RandomTensor.Of(ElementType.Float32, 1, 6, 2, kernel, 3)),
            g.Constant(RandomTensor.Of(ElementType.Float32, 2, 4)));
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], named ? [height.Variables.Single()] : []);
        Compiler.Graph.Graph result = new SplitPhases().Run(graph, new PassContext(new CompileOptions()));
        GraphVerifier.Verify(result, nameof(SplitPhases));

        Assert.That(result.TopologicalOrder().Any(n => n.Op is ConvTranspose), Is.False);
        // Other orders of at most 45 products.
        PassAssert.AssertSame(graph, result, 1e-5);
    }

    [Test]
    public void OneGroupOfEqualStrides_IsShuffledByDepth([Values(2, 3, 4, 5)] int kernel, [Values(1, 2, 3)] int stride, [Values(0, 1)] int pad)
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 2, 3, 4, 5)));
        Value y = g.Add(
            new ConvTranspose(Strides: (long[])[stride, stride], Pads: (long[])[pad, 0, 0, pad]),
            x,
            g.Constant(RandomTensor.Of(ElementType.Float32, 1, 3, 7, kernel, 3)),
            g.Constant(RandomTensor.Of(ElementType.Float32, 2, 7)));
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
        Compiler.Graph.Graph result = new SplitPhases().Run(graph, new PassContext(new CompileOptions()));
        GraphVerifier.Verify(result, nameof(SplitPhases));
        Assert.That(result.TopologicalOrder().Count(n => n.Op is DepthToSpace), Is.EqualTo(stride > 1 ? 1 : 0));
        PassAssert.AssertSame(graph, result, 1e-5);
    }

    [Test]
    public void OneAndThreeAxes()
    {
        foreach (long[] dims in (long[][])[[7], [3, 4, 2]])
        {
            GraphBuilder g = new();
            Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, [1, 3, .. dims])));
            Value y = g.Add(
                new ConvTranspose(Strides: (long[])[.. dims.Select(_ => 2L)]), x, g.Constant(RandomTensor.Of(ElementType.Float32, 1, [3, 5, .. dims.Select(_ => 3L)])));
            Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
            Compiler.Graph.Graph result = new SplitPhases().Run(graph, new PassContext(new CompileOptions()));
            GraphVerifier.Verify(result, nameof(SplitPhases));
            Assert.That(result.TopologicalOrder().Any(n => n.Op is ConvTranspose), Is.False);
            PassAssert.AssertSame(graph, result, 1e-5);
        }
    }

    [Test]
    public void WhatIsNotKnown_Stays()
    {
        // Weights from outside, and taps that are apart.
        PassAssert.Keeps(new SplitPhases(), "graph \"g\" %x = input \"x\" : float32[1, 2, 6, 6] %w = input \"w\" : float32[2, 1, 2, 2] %2 = ConvTranspose(%x, %w) return \"y\" = %2");
        PassAssert.Keeps(
            new SplitPhases(),
            "graph \"g\" %x = input \"x\" : float32[1, 1, 6, 6] %2 = ConvTranspose(%x, float32[1, 1, 2, 2] {1, 2, 3, 4}) {Dilations=[2, 2]} return \"y\" = %2");
        // Eight of nine phases would be zeros.
        PassAssert.Keeps(
            new SplitPhases(),
            "graph \"g\" %x = input \"x\" : float32[1, 1, 6, 6] %2 = ConvTranspose(%x, float32[1, 1, 1, 1] {2}) {Strides=[3, 3]} return \"y\" = %2");
    }
}
