using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Tests.Operators;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Plans;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>Shapes that data determine, through the whole compiler and the runtime: they change from inference to inference.</summary>
internal sealed class DataDependentShapeTests
{
    [Test]
    public void Reshape_FollowsItsShape([Values] bool optimize)
    {
        // The sum behind it is sized after the shape is read, and in front of it there is an ordinary kernel.
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [4, 6]), ("shape", ElementType.Int64, [3])],
            (g, v) => g.Add(new Relu(), g.Add(new Neg(), Import(g, "Reshape", 14, g.Add(new Relu(), v[0]), v[1]))));
        using CompiledGraph compiled = new(graph, optimize);
        foreach (long[] shape in (long[][])[[2, 3, 4], [-1, 1, 3], [0, 6, -1], [24, 1, 1], [1, 1, 24], [2, 3, 4]]) Compare(compiled, graph, Random(4, 6), TensorData.OfInt64s(shape));
    }

    [Test]
    public void Reshape_ThatDoesNotFit_IsRefused_AndTheRequestLives()
    {
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [4, 6]), ("shape", ElementType.Int64, [2])], (g, v) => g.Add(new Relu(), Import(g, "Reshape", 14, v[0], v[1])));
        using CompiledGraph compiled = new(graph);
        Compare(compiled, graph, Random(4, 6), TensorData.OfInt64s([3, 8]));
        foreach (long[] shape in (long[][])[[5, 5], [25, 1], [-7, 2], [long.MaxValue, 2], [1L << 31, 1L << 31], [-1, -1], [1, 0]])
        {
            LatheException? error = Assert.Throws<LatheException>(() => compiled.Run(Random(4, 6), TensorData.OfInt64s(shape)));
            Assert.That(error!.Id, Is.EqualTo("LATHE0508").Or.EqualTo("LATHE0506"), string.Join(',', shape));
            Assert.That(error.Message, Does.Contain("node"));
        }

        Compare(compiled, graph, Random(4, 6), TensorData.OfInt64s([3, 8]));
        Compare(compiled, graph, Random(4, 6), TensorData.OfInt64s([12, 2]));
    }

    [Test]
    public void DimsTooSmall_AreRefused_WhenARequestIsMade()
    {
        GraphBuilder g = new();
        IndexVar n = new("N", 1, 100);
        Value x = g.Add(new Input("x", new TensorType(ElementType.Float32, [1, 1, n])));
        // Two pools: with N's default the memory between them has a negative size too, and the model loads all the same.
        Value y = OperatorCase.ImportNode(g, "MaxPool", 12, 1, [x], ("kernel_shape", new[] { 2L }), ("strides", new[] { 1L }))[0];
        y = OperatorCase.ImportNode(g, "MaxPool", 12, 1, [y], ("kernel_shape", new[] { 2L }), ("dilations", new[] { 3L }))[0];
        using CompiledGraph compiled = new(g.Build("model", [new GraphPort("x", x)], [new GraphPort("y", y)], [n]), dims: new Dictionary<string, long> { ["N"] = 5 });
        Assert.That(compiled.Request.OutputShape(0).ToArray(), Is.EqualTo(new long[] { 1, 1, 1 }));
        LatheException? refused = Assert.Throws<LatheException>(() => compiled.Model.CreateRequest(new Dictionary<string, long> { ["N"] = 3 }));
        Assert.That(refused!.Id, Is.EqualTo("LATHE0508"));
        Assert.That(refused.Message, Does.Contain("larger"));
    }

    [Test]
    public void CeiledWindows_OverANamedDim_DropTheOneThatStartsInThePadding([Values(5, 7, 8, 12)] int length)
    {
        GraphBuilder g = new();
        IndexVar n = new("N", 4, 100);
        Value x = g.Add(new Input("x", new TensorType(ElementType.Float32, [1, 1, n])));
        Value y = OperatorCase.ImportNode(g, "AveragePool", 19, 1, [x], ("kernel_shape", new[] { 2L }), ("strides", new[] { 3L }), ("pads", new[] { 1L, 1L }), ("ceil_mode", 1L))[0];
        ModelGraph graph = g.Build("model", [new GraphPort("x", x)], [new GraphPort("y", y)], [n]);
        using CompiledGraph compiled = new(graph, dims: new Dictionary<string, long> { ["N"] = length });
        Compare(compiled, graph, Random(1, 1, length));
    }

    [Test]
    public void NarrowElements_ThatALoopReadsAgainAndAgain_AreWidened([Values(ElementType.BFloat16, ElementType.UInt8)] ElementType element)
    {
        ModelGraph graph = Build(
            [("x", element, [3, 8])], (g, v) => Import(g, "Cast", 13, [Import(g, "Tile", 13, v[0], g.Constant(TensorData.OfInt64s(2, 30)))], ("to", 1L)));
        foreach (Isa isa in Enum.GetValues<Isa>().Where(i => i.IsAvailable()))
        {
            using CompiledGraph compiled = new(graph, isa: isa);
            Compare(compiled, graph, RandomTensor.Of(element, 1, 3, 8));
        }
    }

    [Test]
    public void Compress_BehindAShapeThatDataDetermine()
    {
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [3, 2]), ("shape", ElementType.Int64, [3]), ("condition", ElementType.Bool, [3])],
            (g, v) => OperatorCase.ImportNode(g, "Compress", 11, 1, [Import(g, "Expand", 13, v[0], v[1]), v[2]], ("axis", 0L))[0]);
        using CompiledGraph compiled = new(graph);
        Compare(compiled, graph, Random(3, 2), TensorData.OfInt64s([4, 3, 2]), TensorData.Of<bool>(ElementType.Bool, [true, false, true], 3));
        Compare(compiled, graph, Random(3, 2), TensorData.OfInt64s([2, 3, 2]), TensorData.Of<bool>(ElementType.Bool, [false, true, true], 3));
    }

    [Test]
    public void NonZero_GrowsAndShrinks([Values] bool optimize)
    {
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [3, 50])],
            (g, v) =>
            {
                Value kept = g.Add(new Relu(), v[0]), places = Import(g, "NonZero", 13, v[0]);
                return g.Add(new Add(), Import(g, "Transpose", 13, places), g.Add(new Lathe.Compiler.Operators.Shapes.Cast(ElementType.Int64), g.Add(new Slice([0], [2], [1]), g.Add(new Slice([0], [1], [0]), kept))));
            });
        using CompiledGraph compiled = new(graph, optimize);
        foreach (int every in (int[])[7, 3, 1, 50, 2, 1000])
        {
            TensorData x = TensorData.Zeros(ElementType.Float32, 3, 50);
            for (int i = 0; i < x.Count; i += every) x.SetDouble(i, every >= 1000 ? 0 : i + 1);
            Compare(compiled, graph, x);
        }
    }

    [Test]
    public void Outputs_WithoutAKernelBehindThem()
    {
        ModelGraph graph = Build([("x", ElementType.Int64, [4])], (g, v) => Import(g, "NonZero", 13, v[0]));
        using CompiledGraph compiled = new(graph);
        Assert.That(compiled.Request.OutputShape(0).ToArray(), Is.EqualTo(new long[] { 0, 0 }), "before the first inference nothing is known");
        Compare(compiled, graph, TensorData.OfInt64s([0, 5, 0, -1]));
        Compare(compiled, graph, TensorData.OfInt64s([0, 0, 0, 0]));
    }

    [Test]
    public void ConstantOfShape_AndSplit()
    {
        ModelGraph graph = Build([("shape", ElementType.Int64, [2])], (g, v) => g.Add(new Relu(), Import(g, "ConstantOfShape", 9, v[0])));
        using (CompiledGraph compiled = new(graph))
            foreach (long[] shape in (long[][])[[2, 3], [0, 4], [7, 1], [1, 1]]) Compare(compiled, graph, TensorData.OfInt64s(shape));

        ModelGraph split = Build(
            [("x", ElementType.Float32, [2, 9]), ("lengths", ElementType.Int64, [2])],
            (g, v) => g.Add(new Neg(), OperatorCase.ImportNode(g, "Split", 13, 2, v, ("axis", 1L))[1]));
        using CompiledGraph parts = new(split);
        foreach (long[] lengths in (long[][])[[2, 7], [9, 0], [0, 9], [4, 5]]) Compare(parts, split, Random(2, 9), TensorData.OfInt64s(lengths));
        Assert.That(() => parts.Run(Random(2, 9), TensorData.OfInt64s([4, 4])), Throws.TypeOf<LatheException>());
    }

    [Test]
    public void Inference_AllocatesNothing_WhileSizesChange()
    {
        ModelGraph graph = Build(
            [("x", ElementType.Float32, [4, 6]), ("shape", ElementType.Int64, [2])], (g, v) => g.Add(new Relu(), Import(g, "Reshape", 14, v[0], v[1])));
        using CompiledGraph compiled = new(graph);
        InferRequest request = compiled.Request;
        void Infer(long rows)
        {
            Span<long> shape = request.Input<long>(1);
            (shape[0], shape[1]) = (rows, 24 / rows);
            request.Infer();
        }

        long least = long.MaxValue;
        for (int i = 0; i < 6; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            foreach (long rows in (ReadOnlySpan<long>)[2, 3, 24, 1]) Infer(rows);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.That(least, Is.Zero);
    }

    internal static ModelGraph Build((string Name, ElementType Element, long[] Dims)[] inputs, Func<GraphBuilder, Value[], Value> build)
    {
        GraphBuilder g = new();
        Value[] values = [.. inputs.Select(i => g.Add(new Input(i.Name, TensorType.Of(i.Element, i.Dims))))];
        Value y = build(g, values);
        return g.Build("model", inputs.Select((p, i) => new GraphPort(p.Name, values[i])), [new GraphPort("y", y)], g.Symbols.Computed);
    }

    internal static Value Import(GraphBuilder g, string type, int opset, params Value[] inputs) => Import(g, type, opset, inputs, []);

    internal static Value Import(GraphBuilder g, string type, int opset, Value[] inputs, params (string Name, object Value)[] attributes)
    {
        g.CurrentName = type;
        Value result = OperatorCase.ImportNode(g, type, opset, 1, inputs, attributes)[0];
        g.CurrentName = null;
        return result;
    }

    internal static TensorData Random(params long[] dims) => RandomTensor.Of(ElementType.Float32, 3, dims);

    internal static void Compare(CompiledGraph compiled, ModelGraph graph, params TensorData[] inputs)
    {
        TensorData expected = GraphEvaluator.Run(graph, inputs)[0], actual = compiled.Run(inputs)[0];
        Assert.That(actual.Dims, Is.EqualTo(expected.Dims));
        Assert.That(actual.Bytes, Is.EqualTo(expected.Bytes));
    }
}
