using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.DataDependentShapeTests;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>Resizing by scales, sizes and regions that data determine, against the same with known ones and against its meaning.</summary>
internal sealed class DataDependentResizeTests
{
    /// <summary>Interpolation in several passes rounds each to float32, and kernels multiply and add in one.</summary>
    private const double Tolerance = 1e-5;

    [TestCase("nearest", "half_pixel", 0L)]
    [TestCase("nearest", "align_corners", 0L)]
    [TestCase("linear", "half_pixel", 0L)]
    [TestCase("linear", "align_corners", 1L)]
    [TestCase("linear", "half_pixel_symmetric", 1L)]
    [TestCase("cubic", "pytorch_half_pixel", 0L)]
    [TestCase("cubic", "asymmetric", 1L)]
    public void Scales(string mode, string coordinates, long antialias)
    {
        (string, object)[] attributes = [("mode", mode), ("coordinate_transformation_mode", coordinates), ("antialias", antialias)];
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [2, 5, 6]), ("scales", ElementType.Float32, [3])],
            (g, v) => g.Add(new Neg(), Import(g, "Resize", 18, [g.Add(new Neg(), v[0]), Value.None, v[1]], attributes)));
        using CompiledGraph compiled = new(graph);
        foreach (float[] scales in (float[][])[[1, 2, 2], [1, 0.6f, 1.5f], [1, 1, 1], [2, 1 / 3f, 0.5f], [1, 0.1f, 1]])
        {
            TensorData given = TensorData.OfFloats(scales, 3), x = Random(2, 5, 6);
            TensorData actual = compiled.Run(x, given)[0];
            Tensors.AssertClose(actual, GraphEvaluator.Run(graph, [x, given])[0], Tolerance);
            if (scales.Count(s => s != 1) < 3) Tensors.AssertClose(actual, Known([x, null, given], attributes), Tolerance);
        }

        foreach (float bad in (float[])[0, -1, float.NaN, float.PositiveInfinity, 1e30f, 1e-30f])
            DataDependentOperatorTests.Refuse(compiled, Random(2, 5, 6), TensorData.OfFloats([1, bad, 2], 3));
        compiled.Run(Random(2, 5, 6), TensorData.OfFloats([1, 2, 1], 3));
    }

    [TestCase("nearest", "stretch", 0L)]
    [TestCase("nearest", "not_larger", 0L)]
    [TestCase("linear", "stretch", 0L)]
    [TestCase("linear", "not_smaller", 0L)]
    [TestCase("cubic", "stretch", 1L)]
    public void Sizes(string mode, string policy, long antialias)
    {
        (string, object)[] attributes = [("mode", mode), ("keep_aspect_ratio_policy", policy), ("antialias", antialias), ("axes", new long[] { 2, 1 })];
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [2, 5, 6]), ("sizes", ElementType.Int64, [2])], (g, v) => Import(g, "Resize", 18, [v[0], Value.None, Value.None, v[1]], attributes));
        using CompiledGraph compiled = new(graph);
        foreach (long[] sizes in (long[][])[[6, 5], [12, 3], [1, 1], [5, 9]])
        {
            TensorData given = TensorData.OfInt64s(sizes), x = Random(2, 5, 6);
            Tensors.AssertClose(compiled.Run(x, given)[0], Known([x, null, null, given], attributes), Tolerance);
        }

        foreach (long[] sizes in (long[][])[[-1, 2], [long.MinValue, 1], [1L << 40, 1L << 40]]) DataDependentOperatorTests.Refuse(compiled, Random(2, 5, 6), TensorData.OfInt64s(sizes));
        Assert.That(compiled.Run(Random(2, 5, 6), TensorData.OfInt64s(3, 4))[0].Dims[0], Is.EqualTo(2));
    }

    [TestCase("nearest")]
    [TestCase("linear")]
    [TestCase("cubic")]
    public void Region(string mode)
    {
        (string, object)[] attributes = [("mode", mode), ("coordinate_transformation_mode", "tf_crop_and_resize"), ("extrapolation_value", 7f)];
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [4, 5]), ("roi", ElementType.Float32, [4]), ("sizes", ElementType.Int64, [2])], (g, v) => Import(g, "Resize", 13, [v[0], v[1], Value.None, v[2]], attributes));
        using CompiledGraph compiled = new(graph);
        foreach (float[] roi in (float[][])[[0, 0, 1, 1], [0.25f, 0.5f, 0.75f, 1], [-0.5f, 0, 1.5f, 1], [1, 0.125f, 0, 0.5f]])
        {
            foreach (long[] sizes in (long[][])[[4, 5], [3, 7], [1, 1]])
            {
                TensorData region = TensorData.OfFloats(roi, 4), given = TensorData.OfInt64s(sizes), x = Random(4, 5);
                Tensors.AssertClose(compiled.Run(x, region, given)[0], Known([x, region, null, given], attributes), Tolerance);
            }
        }

        foreach (float bad in (float[])[100, -1e30f, float.PositiveInfinity])
            DataDependentOperatorTests.Refuse(compiled, Random(4, 5), TensorData.OfFloats([bad, 0, 1, 1], 4), TensorData.OfInt64s(3, 3));
    }

    [Test]
    public void Integers_AndUpsample()
    {
        ModelGraph graph = Build(
            [("x", ElementType.UInt8, [2, 3]), ("scales", ElementType.Float32, [2])], (g, v) => Import(g, "Upsample", 9, [v[0], v[1]], ("mode", "linear")));
        using CompiledGraph compiled = new(graph);
        TensorData x = TensorData.Of(ElementType.UInt8, (ReadOnlySpan<byte>)[0, 16, 32, 64, 128, 240], 2, 3);
        foreach (float[] scales in (float[][])[[2, 2], [1, 4]]) Compare(compiled, graph, x, TensorData.OfFloats(scales, 2));
    }

    /// <summary>Nothing is read of a tensor that turns out to be empty.</summary>
    [Test]
    public void Nothing_IsNotResized()
    {
        ModelGraph graph = Build(
            [("flags", ElementType.Int64, [4])],
            (g, v) => Import(g, "Resize", 13, Import(g, "NonZero", 13, v[0]), Value.None, Value.None, g.Constant(TensorData.OfInt64s(1, 5))));
        using CompiledGraph compiled = new(graph);
        Compare(compiled, graph, TensorData.OfInt64s(0, 1, 1, 1));
        DataDependentOperatorTests.Refuse(compiled, TensorData.OfInt64s(0, 0, 0, 0));
    }

    private static TensorData Known(TensorData?[] inputs, (string, object)[] attributes) => Operators.OperatorCase.Import("Resize", 18, inputs, attributes)[0];
}
