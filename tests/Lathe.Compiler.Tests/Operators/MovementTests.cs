using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Gather = Lathe.Compiler.Operators.Movement.Gather;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Operators that move elements, against values worked out by hand, and their opset differences.</summary>
internal sealed class MovementTests
{
    private static readonly TensorData Six = Counting(2, 3);

    [TestCase(new long[] { 3, 2 }, new long[] { 3, 2 })]
    [TestCase(new long[] { -1 }, new long[] { 6 })]
    [TestCase(new long[] { 0, 1, -1 }, new long[] { 2, 1, 3 })]
    public void Reshape_ResolvesZeroAndMinusOne(long[] shape, long[] expected)
    {
        TensorData y = Import("Reshape", 14, [Six, TensorData.OfInt64s(shape)])[0];
        Assert.That(y.Dims, Is.EqualTo(expected));
        Assert.That(y.Bytes, Is.EqualTo(Six.Bytes));
    }

    [Test]
    public void Reshape_WithAllowZero_KeepsZero() =>
        Assert.That(Import("Reshape", 14, [TensorData.OfFloats([], 0, 3), TensorData.OfInt64s(4, 0)], ("allowzero", 1L))[0].Dims, Is.EqualTo(new long[] { 4, 0 }));

    [TestCase(new long[] { 4, 2 }, "elements")]
    [TestCase(new long[] { -1, -1 }, "more than one")]
    [TestCase(new long[] { -1, 4 }, "do not divide")]
    [TestCase(new long[] { 2, 3, 0 }, "dim 2")]
    public void Reshape_ToWhatDoesNotFit_IsRefused(long[] shape, string reason) =>
        Assert.That(() => Import("Reshape", 14, [Six, TensorData.OfInt64s(shape)]), Throws.TypeOf<DiagnosticException>().With.Message.Contain(reason));

    [Test]
    public void Axes_AreAttributesBeforeOpset13()
    {
        TensorData x = Counting(1, 3, 1);
        Assert.That(Import("Squeeze", 11, [x], ("axes", new long[] { 0 }))[0].Dims, Is.EqualTo(new long[] { 3, 1 }));
        Assert.That(Import("Squeeze", 13, [x, TensorData.OfInt64s(-1)])[0].Dims, Is.EqualTo(new long[] { 1, 3 }));
        Assert.That(Import("Squeeze", 13, [x])[0].Dims, Is.EqualTo(new long[] { 3 }));
        Assert.That(Import("Unsqueeze", 11, [Six], ("axes", new long[] { 0, 3 }))[0].Dims, Is.EqualTo(new long[] { 1, 2, 3, 1 }));
        Assert.That(Import("Unsqueeze", 13, [Six, TensorData.OfInt64s(-1, 1)])[0].Dims, Is.EqualTo(new long[] { 2, 1, 3, 1 }));
        Assert.That(Refusal(new Squeeze([0]), Float32("2", "1")), Does.Contain("not 1 long"));
        Assert.That(Refusal(new Squeeze(), Float32("N", "1")), Does.Contain("not known"));
    }

    [Test]
    public void Flatten_MakesAMatrix()
    {
        Assert.That(Infer(new Flatten(2), Float32("N", "3", "4", "5")).ToString(), Is.EqualTo("float32[3*N, 20]"));
        Assert.That(Infer(new Flatten(0), Float32("N", "3")).ToString(), Is.EqualTo("float32[1, 3*N]"));
        Assert.That(Infer(new Flatten(-1), Float32("2", "3", "4")).ToString(), Is.EqualTo("float32[6, 4]"));
    }

    [Test]
    public void Transpose_PermutesAxes()
    {
        Assert.That(Floats(new Transpose(), Six), Is.EqualTo(new float[] { 0, 3, 1, 4, 2, 5 }));
        Assert.That(Evaluate(new Transpose([2, 0, 1]), Counting(2, 3, 4)).Dims, Is.EqualTo(new long[] { 4, 2, 3 }));
        Assert.That(Refusal(new Transpose([0, 0]), Float32("2", "3")), Does.Contain("no permutation"));
    }

    [Test]
    public void Concat_AndSplit_AreInverse()
    {
        TensorData joined = Evaluate(new Concat(1), Six, Counting(2, 1));
        Assert.That(joined.Span<float>().ToArray(), Is.EqualTo(new float[] { 0, 1, 2, 0, 3, 4, 5, 1 }));
        TensorData[] parts = Import("Split", 13, 2, [joined, TensorData.OfInt64s(3, 1)], ("axis", 1L));
        Assert.That(parts[0].Bytes, Is.EqualTo(Six.Bytes));
        Assert.That(parts[1].Span<float>().ToArray(), Is.EqualTo(new float[] { 0, 1 }));
    }

    [Test]
    public void Split_WithoutLengths_IsEqual()
    {
        Assert.That(Import("Split", 11, 3, [Six], ("axis", -1L)).Select(p => p.Dims[1]), Is.EqualTo(new long[] { 1, 1, 1 }));
        Assert.That(Import("Split", 18, 2, [Six], ("axis", -1L), ("num_outputs", 2L)).Select(p => p.Dims[1]), Is.EqualTo(new long[] { 2, 1 }));
        Assert.That(Import("Split", 11, 2, [Six], ("axis", 1L), ("split", new long[] { 1, 2 })).Select(p => p.Dims[1]), Is.EqualTo(new long[] { 1, 2 }));
        Assert.That(() => Import("Split", 13, 2, [Six, TensorData.OfInt64s(1, 1)], ("axis", 1L)), Throws.TypeOf<DiagnosticException>().With.Message.Contain("do not make up 3"));
        Assert.That(() => Import("Split", 13, 2, [Six, TensorData.OfInt64s(5, -2)], ("axis", 1L)), Throws.TypeOf<DiagnosticException>().With.Message.Contain("length -2"));
    }

    [TestCase(1, 3, 1, new float[] { 1, 2 })]
    [TestCase(-2, int.MaxValue, 1, new float[] { 3, 4 })]
    [TestCase(3, 0, -2, new float[] { 3, 1 })]
    [TestCase(-1, long.MinValue, -1, new float[] { 4, 3, 2, 1, 0 })]
    [TestCase(4, 2, 1, new float[0])]
    [TestCase(-100, 100, 3, new float[] { 0, 3 })]
    [TestCase(100, -100, -3, new float[] { 4, 1 })]
    public void Slice_OfFive(long start, long end, long step, float[] expected)
    {
        TensorData y = Import("Slice", 13, [Counting(5), TensorData.OfInt64s(start), TensorData.OfInt64s(end), TensorData.OfInt64s(0), TensorData.OfInt64s(step)])[0];
        Assert.That(y.Span<float>().ToArray(), Is.EqualTo(expected));
    }

    [Test]
    public void Slice_BeforeOpset10_HasAttributes() =>
        Assert.That(
            Import("Slice", 9, [Six], ("starts", new long[] { 1 }), ("ends", new long[] { 3 }), ("axes", new long[] { 1 }))[0].Span<float>().ToArray(),
            Is.EqualTo(new float[] { 1, 2, 4, 5 }));

    [Test]
    public void Slice_OfANamedDim()
    {
        Assert.That(Infer(new Slice([1], [int.MaxValue]), Float32("N", "4")).ToString(), Is.EqualTo("float32[N - 1, 4]"));
        Assert.That(Infer(new Slice([-1], [int.MaxValue]), Float32("N", "4")).ToString(), Is.EqualTo("float32[1, 4]"));
        Assert.That(Refusal(new Slice([0], [1], [0], [0]), Float32("4")), Does.Contain("step is 0"));
        Assert.That(Refusal(new Slice([0, 0], [1, 1], [0, -1]), Float32("4")), Does.Contain("twice"));
    }

    [TestCase("constant", new float[] { 0, 0, 0, 1, 2, 0 })]
    [TestCase("reflect", new float[] { 2, 1, 0, 1, 2, 1 })]
    [TestCase("edge", new float[] { 0, 0, 0, 1, 2, 2 })]
    [TestCase("wrap", new float[] { 1, 2, 0, 1, 2, 0 })]
    public void Pad_InEachMode(string mode, float[] expected) => Assert.That(Floats(new Pad([2, 1], mode), Counting(3)), Is.EqualTo(expected));

    [Test]
    public void Pad_StatedByEachOpset()
    {
        float[] expected = [7, 0, 1, 2, 7];
        Assert.That(Import("Pad", 2, [Counting(3)], ("pads", new long[] { 1, 1 }), ("value", 7f))[0].Span<float>().ToArray(), Is.EqualTo(expected));
        Assert.That(Import("Pad", 13, [Counting(3), TensorData.OfInt64s(1, 1), TensorData.OfFloats([7])])[0].Span<float>().ToArray(), Is.EqualTo(expected));
        Assert.That(Import("Pad", 18, [Six, TensorData.OfInt64s(1, 0), null, TensorData.OfInt64s(-1)])[0].Dims, Is.EqualTo(new long[] { 2, 4 }));
        Assert.That(Floats(new Pad([-1, 1]), Counting(3)), Is.EqualTo(new float[] { 1, 2, 0 }));
        Assert.That(Refusal(new Pad([-3, -1]), Float32("3")), Does.Contain("negative"));
        Assert.That(Refusal(new Pad([1, 1], "edge"), Float32("0")), Does.Contain("nothing to repeat"));
    }

    [Test]
    public void Tile_AndExpand_Repeat()
    {
        Assert.That(Floats(new Tile([2, 1]), TensorData.OfFloats([1, 2], 1, 2)), Is.EqualTo(new float[] { 1, 2, 1, 2 }));
        Assert.That(Floats(new Tile([1, 2]), TensorData.OfFloats([1, 2], 1, 2)), Is.EqualTo(new float[] { 1, 2, 1, 2 }));
        Assert.That(Floats(new Expand([2, 1]), TensorData.OfFloats([1, 2], 2)), Is.EqualTo(new float[] { 1, 2, 1, 2 }));
        Assert.That(Infer(new Expand([1, 4]), Float32("N", "1")).ToString(), Is.EqualTo("float32[N, 4]"));
    }

    [Test]
    public void Depth_AndSpace()
    {
        TensorData x = Counting(1, 4, 1, 2), y = Evaluate(new DepthToSpace(2), x);
        Assert.That(y.Dims, Is.EqualTo(new long[] { 1, 1, 2, 4 }));
        Assert.That(y.Span<float>().ToArray(), Is.EqualTo(new float[] { 0, 2, 1, 3, 4, 6, 5, 7 }));
        Assert.That(Evaluate(new SpaceToDepth(2), y).Bytes, Is.EqualTo(x.Bytes));
        TensorData eight = Counting(1, 8, 1, 1);
        Assert.That(Floats(new DepthToSpace(2), eight), Is.EqualTo(new float[] { 0, 2, 4, 6, 1, 3, 5, 7 }));
        Assert.That(Floats(new DepthToSpace(2, "CRD"), eight), Is.EqualTo(new float[] { 0, 1, 2, 3, 4, 5, 6, 7 }));
        Assert.That(Refusal(new DepthToSpace(3), Float32("1", "8", "2", "2")), Does.Contain("do not divide"));
    }

    [Test]
    public void Gather_CountsFromTheEndAndStaysInside()
    {
        TensorData x = Counting(3, 2);
        Assert.That(Floats(new Gather(), x, TensorData.OfInt64s(2, -3)), Is.EqualTo(new float[] { 4, 5, 0, 1 }));
        Assert.That(Floats(new Gather(1), x, TensorData.OfInt64s(1)), Is.EqualTo(new float[] { 1, 3, 5 }));
        Assert.That(Floats(new Gather(), x, TensorData.OfInt64s(99, -99)), Is.EqualTo(new float[] { 4, 5, 0, 1 }), "memory outside is never read");
        Assert.That(Floats(new GatherElements(1), x, TensorData.OfInt64s(1, 0, 1).Reshape(3, 1)), Is.EqualTo(new float[] { 1, 2, 5 }));
    }

    [TestCase(new long[] { 1 }, "Slice Reshape")]
    [TestCase(new long[] { 2, 0 }, "Slice")]
    [TestCase(new long[] { 0, 0 }, "Gather")]
    [TestCase(new long[] { -1, -2, -3 }, "Slice")]
    public void Gather_OfKnownStepsIsASlice(long[] indices, string operators)
    {
        GraphBuilder builder = new();
        Value x = builder.Add(new Input("x", Float32("3", "N")));
        TensorData data = TensorData.OfInt64s(indices);
        Value y = ImportNode(builder, "Gather", 13, 1, [x, builder.Constant(indices.Length == 1 ? data.Reshape() : data)])[0];
        Compiler.Graph.Graph graph = builder.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
        Assert.That(string.Join(' ', graph.TopologicalOrder().Where(n => n.Op is not (Input or Constant)).Select(n => n.Op.Name)), Is.EqualTo(operators));
        TensorData given = Counting(3, 2);
        Assert.That(GraphEvaluator.Run(graph, [given])[0].Span<float>().ToArray(), Is.EqualTo(Floats(new Gather(), given, data)));
    }

    [Test]
    public void Gather_OfAKnownIndexOutside_IsRefused() =>
        Assert.That(() => Import("Gather", 13, [Six, TensorData.OfInt64s(2)]), Throws.TypeOf<DiagnosticException>().With.Message.Contain("index 2"));

    [Test]
    public void Trilu_KeepsATriangle()
    {
        TensorData x = Counting(3, 3);
        Assert.That(Floats(new Trilu(), x), Is.EqualTo(new float[] { 0, 1, 2, 0, 4, 5, 0, 0, 8 }));
        Assert.That(Floats(new Trilu(false, -1), x), Is.EqualTo(new float[] { 0, 0, 0, 3, 0, 0, 6, 7, 0 }));
    }

    [Test]
    public void Dropout_ChangesNothing()
    {
        TensorData[] outputs = Import("Dropout", 13, 2, [Six]);
        Assert.That(outputs[0].Bytes, Is.EqualTo(Six.Bytes));
        Assert.That((outputs[1].Element, outputs[1].Bytes.Length), Is.EqualTo((ElementType.Bool, 6)));
        Assert.That(outputs[1].Bytes, Is.All.EqualTo(1));
        Assert.That(Import("Dropout", 7, 2, [Six])[1].Element, Is.EqualTo(ElementType.Float32));
    }

    [Test]
    public void Strings_MoveToo()
    {
        TensorData text = TensorData.OfStrings(["a", "b", "c", "d"], 2, 2);
        Assert.That(Evaluate(new Transpose(), text).Strings, Is.EqualTo(new[] { "a", "c", "b", "d" }));
        Assert.That(Evaluate(new Concat(0), text, text).Strings, Is.EqualTo(new[] { "a", "b", "c", "d", "a", "b", "c", "d" }));
    }

    private static TensorData Counting(params long[] dims)
    {
        TensorData data = TensorData.Zeros(ElementType.Float32, dims);
        for (int i = 0; i < data.Count; i++) data.SetDouble(i, i);
        return data;
    }
}
