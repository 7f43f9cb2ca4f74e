using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Passes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class SeparateAxesTests
{
    [Test]
    public void LargeMaxima_OfRandomWindows_AreTheSameAxisByAxis([Range(1, 30)] int seed)
    {
        Random random = new(seed);
        int rank = random.Next(2, 4);
        long[] kernel = [.. Enumerable.Range(0, rank).Select(_ => (long)random.Next(rank == 2 ? 5 : 4, rank == 2 ? 8 : 5))];
        long[] strides = [.. Enumerable.Range(0, rank).Select(_ => (long)random.Next(1, 2 + (rank / 3)))];
        long[] dilations = [.. Enumerable.Range(0, rank).Select(_ => (long)random.Next(1, 3))];
        // A window that lies in the padding alone has no greatest element.
        long[] pads = [.. Enumerable.Range(0, 2 * rank).Select(i => (long)random.Next(0, 4))];
        string autoPad = random.Next(3) switch { 0 => "SAME_UPPER", 1 => "SAME_LOWER", _ => "NOTSET" };
        int least = rank == 2 ? 14 : 8;
        IndexExpr[] dims = [1, 2, .. Enumerable.Range(0, rank).Select(_ => (IndexExpr)random.Next(least, least + 4))];
        if (random.Next(2) == 0) dims[^1] = new IndexVar("W", least, 40);
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", new TensorType(random.Next(4) == 0 ? ElementType.UInt8 : ElementType.Float32, [.. dims])));
        Value y = g.Add(new MaxPool(autoPad, random.Next(2) == 0, dilations, kernel, autoPad == "NOTSET" ? pads : [], strides), x);
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], [.. dims[^1].Variables]);
        Compiler.Graph.Graph result = new SeparateAxes().Run(graph, new PassContext(new CompileOptions()));
        GraphVerifier.Verify(result, nameof(SeparateAxes));

        Assert.That(result.TopologicalOrder().Count(n => n.Op is MaxPool), Is.EqualTo(rank));
        PassAssert.AssertSame(graph, result, 0);
    }

    [Test]
    public void Rows_AreFirst_AndWhatTheyAreOfIsSharedWithOthers() =>
        PassAssert.Rewrites(
            new SeparateAxes(),
            """
            graph "g"
            %x = input "x" : float32[1, 2, 13, 13]
            %1 = MaxPool(%x) { KernelShape = [5, 5], Pads = [2, 2, 2, 2], Strides = [1, 1] }
            return "y" = %1
            """,
            """
            graph "g"
            %x = input "x" : float32[1, 2, 13, 13]
            %1 = MaxPool(%x) { KernelShape = [1, 5], Pads = [0, 2, 0, 2], Strides = [1, 1], Dilations = [1, 1] }
            %2 = MaxPool(%1) { KernelShape = [5, 1], Pads = [2, 0, 2, 0], Strides = [1, 1], Dilations = [1, 1] }
            return "y" = %2
            """);

    [Test]
    public void LargeInterpolations_OfAllCoordinates_AreTheSameAxisByAxis(
        [Values("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")] string coordinates, [Values] bool scales, [Values] bool named)
    {
        IndexExpr channels = named ? new IndexVar("C", 1, 9) : 2;
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", new TensorType(ElementType.Float32, [1, channels, 3, 4])));
        Value y = g.Add(new Resize(scales ? (float[])[1, 1, 2.5f, 8.25f] : [], scales ? [] : (IndexExpr[])[1, channels, 11, 49], CoordinateTransformationMode: coordinates, Mode: "linear"), x);
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], named ? [channels.Variables.Single()] : []);
        Compiler.Graph.Graph result = new SeparateAxes().Run(graph, new PassContext(new CompileOptions()));
        GraphVerifier.Verify(result, nameof(SeparateAxes));

        Assert.That(result.TopologicalOrder().Count(n => n.Op is Resize), Is.EqualTo(2));
        // The evaluator rounds to float32 after each operator.
        PassAssert.AssertSame(graph, result, 1e-6);
    }

    [TestCase("float32[1, 1, 4, 4]", "Sizes = [1, 1, 8, 31]")]
    [TestCase("float32[1, 1, 4, 4]", "Sizes = [1, 1, 4, 64]")]
    [TestCase("float32[1, 1, 4, 4]", "Sizes = [1, 1, 64, 4]")]
    [TestCase("uint8[1, 1, 4, 4]", "Sizes = [1, 1, 64, 64]")]
    public void InterpolationsThatWouldGainLittle_Stay(string type, string attributes) =>
        PassAssert.Keeps(new SeparateAxes(), $"graph \"g\" %x = input \"x\" : {type} %1 = Resize(%x) {{ Scales = [], {attributes}, Mode = \"linear\" }} return \"y\" = %1");

    [TestCase("KernelShape = [3, 3], Strides = [2, 2]")]
    [TestCase("KernelShape = [3, 3]")]
    [TestCase("KernelShape = [1, 13]")]
    [TestCase("KernelShape = [5, 5], Strides = [3, 3]")]
    public void WhatWouldGainLittle_Stays(string attributes) =>
        PassAssert.Keeps(new SeparateAxes(), $"graph \"g\" %x = input \"x\" : float32[1, 2, 13, 13] %1 = MaxPool(%x) {{ {attributes} }} return \"y\" = %1");
}
