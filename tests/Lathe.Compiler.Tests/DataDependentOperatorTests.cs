using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Tests.Operators;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.DataDependentShapeTests;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>Operators whose axes, bounds and paddings data determine, through the whole compiler and the runtime: they change from inference to inference.</summary>
internal sealed class DataDependentOperatorTests
{
    [Test]
    public void Gather_IndicesOutside_AreRefused_WhereverTheyStand([Values(ElementType.Int64, ElementType.Int32)] ElementType element, [Values(1, 8, 19, 35)] int count)
    {
        ModelGraph graph = Build([("x", ElementType.Float32, [2, 5, 3]), ("indices", element, [count])], (g, v) => Import(g, "Gather", 13, [v[0], v[1]], ("axis", 1L)));
        using CompiledGraph compiled = new(graph);
        TensorData x = Random(2, 5, 3), indices = TensorData.Zeros(element, count);
        for (int i = 0; i < count; i++) indices.SetInt64(i, (i % 10) - 5);
        Compare(compiled, graph, x, indices);
        foreach (int at in Enumerable.Range(0, count))
        {
            long good = indices.GetInt64(at);
            foreach (long bad in (long[])[5, -6, int.MinValue, int.MaxValue])
            {
                indices.SetInt64(at, bad);
                Refuse(compiled, x, indices);
            }

            indices.SetInt64(at, good);
        }

        Compare(compiled, graph, x, indices);
    }

    [Test]
    public void GatherElements_GatherND_IndicesOutside_AreRefused()
    {
        ModelGraph elements = Build([("x", ElementType.Float32, [2, 5]), ("indices", ElementType.Int64, [2, 3])], (g, v) => Import(g, "GatherElements", 13, [v[0], v[1]], ("axis", -1L)));
        using CompiledGraph first = new(elements);
        Compare(first, elements, Random(2, 5), TensorData.OfInt64s(0, -5, 4, 1, 2, -1).Reshape(2, 3));
        foreach (long bad in (long[])[5, -6, long.MaxValue, long.MinValue]) Refuse(first, Random(2, 5), TensorData.OfInt64s(0, 1, 2, 3, bad, 4).Reshape(2, 3));

        // A coordinate of the one axis would do for the other.
        ModelGraph places = Build([("x", ElementType.Float32, [2, 5, 3]), ("indices", ElementType.Int64, [3, 2])], (g, v) => Import(g, "GatherND", 13, v[0], v[1]));
        using CompiledGraph second = new(places);
        Compare(second, places, Random(2, 5, 3), TensorData.OfInt64s(0, 4, -2, -5, 1, 0).Reshape(3, 2));
        foreach (long[] bad in (long[][])[[0, 4, 2, 0, 1, 0], [0, 5, 1, 0, 1, 0], [0, 4, 1, 0, -3, 0], [0, 4, 1, 0, 1, -6]])
            Refuse(second, Random(2, 5, 3), TensorData.OfInt64s(bad).Reshape(3, 2));
        Compare(second, places, Random(2, 5, 3), TensorData.OfInt64s(0, 4, -2, -5, 1, 0).Reshape(3, 2));
    }

    [Test]
    public void RoiAlign_ImageOutside_IsRefused()
    {
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [2, 1, 4, 4]), ("regions", ElementType.Float32, [1, 4]), ("images", ElementType.Int64, [1])],
            (g, v) => Import(g, "RoiAlign", 16, [v[0], v[1], v[2]], ("sampling_ratio", 1L)));
        using CompiledGraph compiled = new(graph);
        TensorData regions = OperatorCase.Floats(0, 0, 3, 3).Reshape(1, 4);
        Assert.That(() => compiled.Run(Random(2, 1, 4, 4), regions, TensorData.OfInt64s(1)), Throws.Nothing);
        Refuse(compiled, Random(2, 1, 4, 4), regions, TensorData.OfInt64s(2));
    }

    [Test]
    public void Reduce_FollowsItsAxes([Values] bool keepsDims, [Values] bool optimize)
    {
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [3, 4, 5]), ("axes", ElementType.Int64, [2])],
            (g, v) => g.Add(new Neg(), Import(g, "ReduceMax", 18, [g.Add(new Abs(), v[0]), v[1]], ("keepdims", keepsDims ? 1L : 0L))));
        using CompiledGraph compiled = new(graph, optimize);
        foreach (long[] axes in (long[][])[[0, 2], [-1, 1], [1, 0], [0, 2]]) Compare(compiled, graph, Random(3, 4, 5), TensorData.OfInt64s(axes));
        foreach (long[] axes in (long[][])[[3, 0], [1, 1], [1, -2], [-4, 0], [long.MinValue, long.MaxValue]]) Refuse(compiled, Random(3, 4, 5), TensorData.OfInt64s(axes));
        Compare(compiled, graph, Random(3, 4, 5), TensorData.OfInt64s(2, 1));
    }

    [Test]
    public void Reduce_AlongAllAxes_AndAlongOne()
    {
        ModelGraph all = Build([("x", ElementType.Int64, [2, 3]), ("axes", ElementType.Int32, [2])], (g, v) => Import(g, "ReduceSum", 13, [v[0], v[1]], ("keepdims", 0L)));
        TensorData x = TensorData.OfInt64s(1, 2, 3, 4, 5, 6).Reshape(2, 3);
        using (CompiledGraph compiled = new(all))
        {
            Compare(compiled, all, x, TensorData.Of(ElementType.Int32, (ReadOnlySpan<int>)[0, -1], 2));
            Refuse(compiled, x, TensorData.Of(ElementType.Int32, (ReadOnlySpan<int>)[0, -2], 2));
        }

        ModelGraph one = Build([("x", ElementType.Int64, [2, 3]), ("axes", ElementType.Int64, [1])], (g, v) => Import(g, "ReduceSum", 13, v[0], v[1]));
        using CompiledGraph single = new(one);
        foreach (long axis in (long[])[0, 1, -1, -2]) Compare(single, one, x, TensorData.OfInt64s(axis));
    }

    [TestCase(0L, 1)]
    [TestCase(1L, 6)]
    public void Reduce_WithoutAxes(long keepsAll, int count)
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 2, 3))), axes = g.Add(new Input("axes", TensorType.Of(ElementType.Int64, 0)));
        Assert.That(Import(g, "ReduceSum", 13, [x, axes], ("noop_with_empty_axes", keepsAll)).Type.Count.Value, Is.EqualTo(count), "that there are none is known");
    }

    [Test]
    public void Slice_FollowsItsBounds([Values] bool optimize)
    {
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [4, 7]), ("starts", ElementType.Int64, [2]), ("ends", ElementType.Int64, [2])],
            (g, v) => g.Add(new Neg(), Import(g, "Slice", 13, g.Add(new Relu(), v[0]), v[1], v[2])));
        using CompiledGraph compiled = new(graph, optimize);
        foreach (long[] b in (long[][])[[0, 0, 4, 7], [1, -3, 3, -1], [-100, 2, 100, long.MaxValue], [3, 5, 1, 9], [9, 9, 9, 12], [long.MinValue, 0, -1, 1], [0, 0, 0, 7]])
            Compare(compiled, graph, Random(4, 7), TensorData.OfInt64s(b[..2]), TensorData.OfInt64s(b[2..]));
    }

    [Test]
    public void Slice_FollowsItsAxesAndSteps([Values] bool optimize)
    {
        ModelGraph graph = Build(
            [
                ("x", ElementType.Float32, [4, 3, 7]), ("starts", ElementType.Int64, [2]), ("ends", ElementType.Int64, [2]), ("axes", ElementType.Int64, [2]),
                ("steps", ElementType.Int64, [2]),
            ],
            (g, v) => g.Add(new Neg(), Import(g, "Slice", 13, v)));
        using CompiledGraph compiled = new(graph, optimize);
        TensorData x = Random(4, 3, 7);
        foreach (long[][] c in (long[][][])
        [
            [[0, 1], [4, 7], [0, 2], [1, 2]], [[3, -1], [-100, 0], [0, -1], [-1, -3]], [[1, 0], [2, 3], [1, 0], [5, 2]], [[6, 100], [0, -100], [2, 1], [-2, -1]],
            [[0, 0], [4, 7], [0, 2], [long.MaxValue, long.MinValue]], [[100, -100], [long.MinValue, long.MaxValue], [2, 0], [long.MinValue, long.MaxValue]], [[2, 2], [2, 2], [0, 1], [-1, 1]],
        ])
            Compare(compiled, graph, x, TensorData.OfInt64s(c[0]), TensorData.OfInt64s(c[1]), TensorData.OfInt64s(c[2]), TensorData.OfInt64s(c[3]));
        foreach (long[][] c in (long[][][])[[[0, 2], [1, 0]], [[0, 2], [0, -1]], [[0, 3], [1, 1]], [[0, -4], [1, 1]], [[1, 1], [1, 1]], [[1, -2], [1, 1]]])
            Refuse(compiled, x, TensorData.OfInt64s(0, 0), TensorData.OfInt64s(2, 2), TensorData.OfInt64s(c[0]), TensorData.OfInt64s(c[1]));
        Compare(compiled, graph, x, TensorData.OfInt64s(0, 0), TensorData.OfInt64s(2, 2), TensorData.OfInt64s(2, 0), TensorData.OfInt64s(1, 1));
    }

    [Test]
    public void Slice_OfKnownAxes_KeepsTheOthers()
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 4, 3, 7))), bound = g.Add(new Input("bound", TensorType.Of(ElementType.Int64, 1)));
        TensorType y = Import(g, "Slice", 13, x, g.Constant(TensorData.OfInt64s(0)), bound, g.Constant(TensorData.OfInt64s(-2))).Type;
        Assert.That(y.Dims.Select(d => d.IsConstant ? d.Value : -1), Is.EqualTo(new long[] { 4, -1, 7 }));
        Assert.That(
            () => Import(g, "Slice", 13, x, bound, bound, g.Constant(TensorData.OfInt64s(0)), g.Constant(TensorData.OfInt64s(0))),
            Throws.TypeOf<Diagnostics.DiagnosticException>().With.Message.Contain("step is 0"));
    }

    [Test]
    public void Squeeze_AndUnsqueeze()
    {
        ModelGraph squeeze = Build([("x", ElementType.Float32, [1, 3, 1, 2]), ("axes", ElementType.Int64, [1])], (g, v) => g.Add(new Neg(), Import(g, "Squeeze", 13, v)));
        using (CompiledGraph compiled = new(squeeze))
        {
            foreach (long axis in (long[])[0, 2, -2, -4]) Compare(compiled, squeeze, Random(1, 3, 1, 2), TensorData.OfInt64s(axis));
            foreach (long axis in (long[])[1, 3, 4, -5, long.MaxValue]) Refuse(compiled, Random(1, 3, 1, 2), TensorData.OfInt64s(axis));
            Compare(compiled, squeeze, Random(1, 3, 1, 2), TensorData.OfInt64s(0));
        }

        ModelGraph scalar = Build([("x", ElementType.Float32, [1, 1]), ("axes", ElementType.Int64, [2])], (g, v) => Import(g, "Squeeze", 13, v));
        using (CompiledGraph compiled = new(scalar))
        {
            Compare(compiled, scalar, Random(1, 1), TensorData.OfInt64s(1, 0));
            Refuse(compiled, Random(1, 1), TensorData.OfInt64s(1, 1));
        }

        ModelGraph found = Build([("x", ElementType.Float32, [4])], (g, v) => Import(g, "Squeeze", 13, Import(g, "NonZero", 13, v[0]), g.Constant(TensorData.OfInt64s(0, 1))));
        using (CompiledGraph compiled = new(found))
        {
            Compare(compiled, found, TensorData.OfFloats([0, 0, 3, 0], 4));
            Refuse(compiled, TensorData.OfFloats([0, 2, 3, 0], 4));
            Refuse(compiled, TensorData.OfFloats([0, 0, 0, 0], 4));
            Compare(compiled, found, TensorData.OfFloats([7, 0, 0, 0], 4));
        }

        ModelGraph unsqueeze = Build([("x", ElementType.Float32, [3, 2]), ("axes", ElementType.Int64, [2])], (g, v) => g.Add(new Neg(), Import(g, "Unsqueeze", 13, v)));
        using CompiledGraph added = new(unsqueeze);
        foreach (long[] axes in (long[][])[[0, 1], [3, 2], [-1, 0], [-4, -2]]) Compare(added, unsqueeze, Random(3, 2), TensorData.OfInt64s(axes));
        foreach (long[] axes in (long[][])[[0, 0], [4, 0], [-5, 1], [-1, 3]]) Refuse(added, Random(3, 2), TensorData.OfInt64s(axes));
    }

    [Test]
    public void Expand_AndTile()
    {
        ModelGraph expand = Build([("x", ElementType.Float32, [3, 1]), ("shape", ElementType.Int64, [3])], (g, v) => g.Add(new Neg(), Import(g, "Expand", 13, v)));
        using (CompiledGraph compiled = new(expand))
        {
            foreach (long[] shape in (long[][])[[2, 3, 4], [1, 1, 1], [2, 1, 6], [0, 3, 2], [1, 3, 0]]) Compare(compiled, expand, Random(3, 1), TensorData.OfInt64s(shape));
            foreach (long[] shape in (long[][])[[1, 2, 1], [1, 0, 1], [-1, 3, 1], [1, 3, -2], [1L << 40, 3, 1]]) Refuse(compiled, Random(3, 1), TensorData.OfInt64s(shape));
            Compare(compiled, expand, Random(3, 1), TensorData.OfInt64s(2, 3, 4));
        }

        // The length of what is expanded is only known at run time, too: it is 1 or fits.
        ModelGraph both = Build(
            [("x", ElementType.Float32, [4]), ("flags", ElementType.Int64, [4]), ("shape", ElementType.Int64, [2])],
            (g, v) => g.Add(new Neg(), Import(g, "Expand", 13, Import(g, "NonZero", 13, v[1]), v[2])));
        using (CompiledGraph compiled = new(both))
        {
            Compare(compiled, both, Random(4), TensorData.OfInt64s(0, 1, 0, 0), TensorData.OfInt64s(2, 5));
            Compare(compiled, both, Random(4), TensorData.OfInt64s(1, 1, 0, 1), TensorData.OfInt64s(2, 3));
            Compare(compiled, both, Random(4), TensorData.OfInt64s(1, 1, 0, 1), TensorData.OfInt64s(3, 1));
            Refuse(compiled, Random(4), TensorData.OfInt64s(1, 1, 0, 1), TensorData.OfInt64s(1, 4));
            Compare(compiled, both, Random(4), TensorData.OfInt64s(0, 0, 0, 0), TensorData.OfInt64s(1, 1));
        }

        ModelGraph tile = Build([("x", ElementType.Float32, [3, 2]), ("repeats", ElementType.Int64, [2])], (g, v) => g.Add(new Neg(), Import(g, "Tile", 13, v)));
        using CompiledGraph tiled = new(tile);
        foreach (long[] repeats in (long[][])[[2, 3], [1, 1], [0, 4], [5, 1]]) Compare(tiled, tile, Random(3, 2), TensorData.OfInt64s(repeats));
        Refuse(tiled, Random(3, 2), TensorData.OfInt64s(-1, 2));
    }

    [Test]
    public void Trilu_AndEyeLike()
    {
        ModelGraph lower = Build([("x", ElementType.Float32, [2, 3, 4]), ("k", ElementType.Int64, [])], (g, v) => Import(g, "Trilu", 14, [v[0], v[1]], ("upper", 0L)));
        using (CompiledGraph compiled = new(lower))
            foreach (long k in (long[])[0, 1, -2, 9, -9, long.MaxValue, long.MinValue]) Compare(compiled, lower, Random(2, 3, 4), TensorData.OfInt64s(k).Reshape());

        ModelGraph eye = Build([("x", ElementType.Float32, [6])], (g, v) => Import(g, "EyeLike", 9, [Import(g, "NonZero", 13, v[0])], ("k", 1L), ("dtype", 1L)));
        using CompiledGraph ones = new(eye);
        foreach (float first in (float[])[0, 1]) Compare(ones, eye, TensorData.OfFloats([first, 2, 0, 3, 0, 4], 6));
    }

    [TestCase("constant")]
    [TestCase("reflect")]
    [TestCase("edge")]
    [TestCase("wrap")]
    public void Pad_FollowsItsPaddings(string mode)
    {
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [3, 4]), ("pads", ElementType.Int64, [4]), ("value", ElementType.Float32, [])],
            (g, v) => g.Add(new Neg(), Import(g, "Pad", 18, [g.Add(new Abs(), v[0]), v[1], v[2]], ("mode", mode))));
        using CompiledGraph compiled = new(graph);
        TensorData x = Random(3, 4), value = TensorData.OfFloats([7]);
        foreach (long[] pads in (long[][])[[0, 0, 0, 0], [1, 2, 2, 0], [0, 9, 11, 3], [-1, 0, 0, -2], [-1, 2, 1, -3], [-2, 0, -1, 0]]) Compare(compiled, graph, x, TensorData.OfInt64s(pads), value);
        foreach (long[] pads in (long[][])[[-2, 0, -2, 0], [0, -5, 0, 0], [1L << 31, 0, 0, 0], [long.MinValue, 0, 0, 0]]) Refuse(compiled, x, TensorData.OfInt64s(pads), value);
        Compare(compiled, graph, x, TensorData.OfInt64s(1, 1, 1, 1), value);
    }

    [Test]
    public void Pad_FollowsItsAxes()
    {
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [2, 3, 4]), ("pads", ElementType.Int64, [4]), ("axes", ElementType.Int64, [2])],
            (g, v) => Import(g, "Pad", 18, [v[0], v[1], Value.None, v[2]], ("mode", "edge")));
        using CompiledGraph compiled = new(graph);
        foreach (long[] axes in (long[][])[[0, 2], [2, 0], [-1, 1]]) Compare(compiled, graph, Random(2, 3, 4), TensorData.OfInt64s(1, 2, 3, 0), TensorData.OfInt64s(axes));
        foreach (long[] axes in (long[][])[[0, 0], [3, 0], [0, -3]]) Refuse(compiled, Random(2, 3, 4), TensorData.OfInt64s(1, 2, 3, 0), TensorData.OfInt64s(axes));
    }

    [Test]
    public void Pad_OfNothing_IsNotRepeated()
    {
        ModelGraph graph = Build(
            [("flags", ElementType.Int64, [4]), ("pads", ElementType.Int64, [4])], (g, v) => Import(g, "Pad", 18, [Import(g, "NonZero", 13, v[0]), v[1]], ("mode", "edge")));
        using CompiledGraph compiled = new(graph);
        Compare(compiled, graph, TensorData.OfInt64s(0, 1, 0, 1), TensorData.OfInt64s(0, 3, 0, 1));
        Refuse(compiled, TensorData.OfInt64s(0, 0, 0, 0), TensorData.OfInt64s(0, 3, 0, 1));
        Compare(compiled, graph, TensorData.OfInt64s(0, 0, 0, 0), TensorData.OfInt64s(1, 0, 0, 0));
    }

    /// <summary>Data that do not fit are an error of their own, not of a kernel.</summary>
    internal static void Refuse(CompiledGraph compiled, params TensorData[] inputs)
    {
        LatheException? error = Assert.Throws<LatheException>(() => compiled.Run(inputs));
        Assert.That(error!.Id, Is.EqualTo("LATHE0508"), error.Message);
    }
}
