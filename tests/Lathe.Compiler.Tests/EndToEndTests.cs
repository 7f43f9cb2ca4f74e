using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Compiler.Passes;
using Lathe.Compiler.Tests.Operators;
using Lathe.Kernels.Llvm;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets.CSharp;
using Lathe.Runtime;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;
using If = Lathe.Compiler.Operators.Control.If;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>
/// Graphs through all passes, kernels and the runtime, for every instruction set, against the operators' meaning. Where the machine lacks AVX-512, its
/// kernels run in software.
/// </summary>
public sealed class EndToEndTests
{
    private static readonly IndexVar Batch = new("N", 1, 64);

    [Test]
    public void Residual_BlocksWithChannelTails_AnyBatch([Values(1, 3)] int batch, [Values] bool optimize) => Check(
        batch,
        optimize,
        (g, x) =>
        {
            Value a = g.Add(new Relu(), Convolve(g, x, 24, 3, pad: 1, seed: 1));
            Value b = g.Add(new Relu(), Convolve(g, a, 40, 1, seed: 2));
            Value c = Convolve(g, b, 24, 3, pad: 1, seed: 3);
            return g.Add(new Relu(), g.Add(new Add(), c, a));
        },
        3, 13, 21);

    [Test]
    public void Concatenation_InPlaceAndNot([Values(1, 2)] int batch, [Values] bool optimize) => Check(
        batch,
        optimize,
        (g, x) =>
        {
            Value a = Convolve(g, x, 16, 1, seed: 1), b = g.Add(new Relu(), Convolve(g, x, 32, 3, pad: 1, seed: 2)), c = Convolve(g, x, 8, 1, seed: 3);
            Value whole = g.Add(new Concat(1), a, b), ragged = g.Add(new Concat(1), c, whole);
            return g.Add(new Sigmoid(), g.Add(new Add(), Convolve(g, whole, 8, 3, pad: 1, seed: 4), Convolve(g, ragged, 8, 1, seed: 5)));
        },
        5, 9, 11);

    [Test]
    public void IndexOfTheBest_AlongAnyAxis([Values(0, 1, 2)] int axis, [Values] bool last, [Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa, [Values(1, 5, 40)] int length)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        GraphBuilder g = new();
        IndexVar[] symbols = [new("A", 1, 100), new("B", 1, 100), new("C", 1, 100)];
        Value x = g.Add(new Input("x", new TensorType(ElementType.Float32, [.. symbols.Select(s => (IndexExpr)s)])));
        ModelGraph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new ArgMax(axis, false, last), x))], symbols);
        long[] dims = [3, 4, 6];
        dims[axis] = length;
        TensorData input = RandomTensor.Of(ElementType.Float32, 3, dims);
        // Ties.
        for (int i = 0; i < input.Count; i++) input.SetDouble(i, Math.Round(input.GetDouble(i) * 4));
        using CompiledGraph compiled = new(graph, isa: isa, dims: new Dictionary<string, long> { ["A"] = dims[0], ["B"] = dims[1], ["C"] = dims[2] });
        Tensors.AssertClose(compiled.Run(input)[0], GraphEvaluator.Run(graph, [input])[0], 0);
    }

    /// <summary>Neighbours of one vector that are made of the same two elements, and those that are not.</summary>
    [TestCase("align_corners", 5, 49, 21)]
    [TestCase("asymmetric", 6, 64, 5)]
    [TestCase("half_pixel", 6, 32, 21)]
    [TestCase("half_pixel", 6, 16, 3)]
    public void ArgMax_OfInterpolations(string coordinates, long height, long width, long classes)
    {
        foreach (Isa isa in (Isa[])[Isa.Vector128, Isa.Avx2, Isa.Avx512])
        {
            if (!isa.IsAvailable()) continue;
            GraphBuilder g = new();
            Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, classes, 3, 4)));
            Value resized = g.Add(new Resize([], (IndexExpr[])[1, classes, height, width], CoordinateTransformationMode: coordinates, Mode: "linear"), x);
            ModelGraph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new ArgMax(1, true, false), resized))], []);
            TensorData input = RandomTensor.Of(ElementType.Float32, 3, [1, classes, 3, 4]);
            // Whole numbers, whose interpolations by sixteenths are exact and often equal.
            for (int i = 0; i < input.Count; i++) input.SetDouble(i, Math.Round(input.GetDouble(i) * 4));
            using CompiledGraph compiled = new(graph, isa: isa);
            Tensors.AssertClose(compiled.Run(input)[0], GraphEvaluator.Run(graph, [input])[0], 0);
        }
    }

    [Test]
    public void FunctionOfAReduction_OverNothing([Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 2, 4)));
        ModelGraph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new GlobalLpPool(), x))], []);
        TensorData input = RandomTensor.Of(ElementType.Float32, 3, [2, 4]);
        using CompiledGraph compiled = new(graph, isa: isa);
        Tensors.AssertClose(compiled.Run(input)[0], GraphEvaluator.Run(graph, [input])[0], 1e-6);
    }

    [Test]
    public void Concatenation_IntoAnOutput([Values] bool optimize) => Check(
        1,
        optimize,
        (g, x) => g.Add(new Concat(1), g.Add(new Relu(), x), g.Add(new Neg(), x)),
        4, 8, 4);

    [Test]
    public void Classifier_DepthwisePoolsGemmSoftmax([Values(1, 2)] int batch, [Values] bool optimize) => Check(
        batch,
        optimize,
        (g, x) =>
        {
            Value a = Convolve(g, x, 20, 3, pad: 1, stride: 2, seed: 1);
            Value b = g.Add(
                new Conv(Group: 20, KernelShape: (long[])[3, 3], Pads: (long[])[1, 1, 1, 1]), a, g.Constant(RandomTensor.Of(ElementType.Float32, 7, 20, 1, 3, 3)));
            Value c = g.Add(new MaxPool(KernelShape: (long[])[3, 3], Strides: (long[])[2, 2], Pads: (long[])[1, 1, 0, 0]), g.Add(new HardSwish(), b));
            Value d = g.Add(new Flatten(), g.Add(new GlobalAveragePool(), c));
            Value e = g.Add(new Gemm(TransB: true), d, g.Constant(RandomTensor.Of(ElementType.Float32, 8, 10, 20)), g.Constant(RandomTensor.Of(ElementType.Float32, 9, 10)));
            return g.Add(new Softmax(), e);
        },
        3, 17, 15);

    [Test]
    public void Movement_TransposesReshapesAndSharedReads([Values(1, 2)] int batch, [Values] bool optimize) => Check(
        batch,
        optimize,
        (g, x) =>
        {
            Value a = Convolve(g, x, 12, 3, pad: 1, seed: 1);
            Value t = g.Add(new Transpose((long[])[0, 2, 3, 1]), a);
            Value r = g.Add(new Reshape((IndexExpr[])[Batch, 252, 2]), t);
            Value s = g.Add(new Softmax(), r);
            return g.Add(new Add(), g.Add(new Exp(), s), g.Add(new Tanh(), r));
        },
        4, 6, 7);

    [Test]
    public void Movement_OfOddShapesAroundASoftmax([Values(1, 3)] int batch, [Values] bool optimize) => Check(
        batch,
        optimize,
        (g, x) =>
        {
            Value t = g.Add(new Transpose((long[])[0, 2, 1]), g.Add(new Reshape((IndexExpr[])[Batch, 5, 14]), x));
            Value s = g.Add(new Transpose((long[])[0, 2, 1]), g.Add(new LogSoftmax(2), t));
            return g.Add(new Reshape((IndexExpr[])[Batch, 5, 2, 7]), s);
        },
        5, 2, 7);

    [Test]
    public void Movement_AcrossBlocksOfChannels([Values(1, 2)] int batch, [Values] bool optimize) => Check(
        batch,
        optimize,
        (g, x) =>
        {
            // Parts that begin inside of a block of the whole, and end there.
            Value whole = g.Add(new Concat(1), Convolve(g, x, 4, 1, seed: 1), Convolve(g, x, 1, 1, seed: 2), Convolve(g, x, 22, 1, seed: 3));
            Value detections = g.Add(new Reshape((IndexExpr[])[Batch, 27 * 35]), g.Add(new Transpose((long[])[0, 2, 1]), g.Add(new Reshape((IndexExpr[])[Batch, 27, 35]), whole)));
            Value shuffled = g.Add(new Reshape((IndexExpr[])[Batch, 27 * 35]), g.Add(new DepthToSpace(3), Convolve(g, x, 27, 1, seed: 4)));
            Value flat = g.Add(new Reshape((IndexExpr[])[Batch, 27 * 35]), Convolve(g, x, 27, 1, seed: 5));
            return g.Add(new Concat(1), g.Add(new Add(), detections, flat), shuffled);
        },
        5, 5, 7);

    [Test]
    public void TransposedConvolution_AndInstanceNormalization_InBlocks([Values(1, 2)] int batch, [Values(16, 24)] int channels, [Values] bool optimize) => Check(
        batch,
        optimize,
        (g, x) =>
        {
            Value a = Normal(Convolve(g, x, channels, 3, pad: 1, seed: 1), 2);
            Value b = g.Add(
                new ConvTranspose(Strides: (long[])[2, 2], Pads: (long[])[1, 1, 0, 0]), a, g.Constant(RandomTensor.Of(ElementType.Float32, 3, channels, channels, 3, 3)));
            return Convolve(g, Normal(b, 4), 5, 3, pad: 1, seed: 5);

            Value Normal(Value value, int seed) => g.Add(
                new Relu(),
                g.Add(
                    new InstanceNormalization(),
                    value, g.Constant(RandomTensor.Of(ElementType.Float32, seed, channels)), g.Constant(RandomTensor.Of(ElementType.Float32, seed + 10, channels))));
        },
        3, 5, 7);

    [Test]
    public void Resize_ByWholeNumbers([Values(1, 2)] int batch, [Values] bool optimize) => Check(
        batch,
        optimize,
        (g, x) => g.Add(
            new Relu(),
            OperatorCase.ImportNode(
                g, "Resize", 13, 1, [x, Value.None, g.Constant(OperatorCase.Floats(1, 1, 3, 2))],
                ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"))[0]),
        3, 5, 11);

    [Test]
    public void If_TakesEitherBranch([Values] bool condition)
    {
        GraphBuilder g = new();
        TensorType type = new(ElementType.Float32, (IndexExpr[])[Batch, 10]);
        Value choice = g.Add(new Input("choice", TensorType.Of(ElementType.Bool, 1))), x = g.Add(new Input("x", type));
        Value shared = g.Add(new Mul(), x, x);
        Value result = g.Add(new If(Body("then", new Exp()), Body("else", new Neg())), choice, shared);
        ModelGraph graph = g.Build("choice", [new GraphPort("choice", choice), new GraphPort("x", x)], [new GraphPort("y", result)], [Batch]);
        Check(graph, [TensorData.Of<bool>(ElementType.Bool, [condition], 1), RandomTensor.Of(ElementType.Float32, 1, 3, 10)], new() { ["N"] = 3 }, true);

        ModelGraph Body(string name, Op op)
        {
            GraphBuilder body = new();
            Value input = body.Add(new Input("captured", type));
            Value output = body.Add(new Add(), body.Add(op, input), input);
            return body.Build(name, [new GraphPort("captured", input)], [new GraphPort("y", output)], [Batch]);
        }
    }

    [Test]
    public void Outputs_ThatAreInputsOrConstantsOrTwice_AreCopied()
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 2, 5)));
        Value y = g.Add(new Relu(), x), c = g.Constant(RandomTensor.Of(ElementType.Float32, 3, 4));
        ModelGraph graph = g.Build("outputs", [new GraphPort("x", x)], [new("a", y), new("b", y), new("c", x), new("d", c)], []);
        Check(graph, [RandomTensor.Of(ElementType.Float32, 1, 2, 5)], [], true);
    }

    [Test]
    public void MeanAndScale_BeforePaddedConvolution_EqualPreprocessingOutside()
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", new TensorType(ElementType.Float32, (IndexExpr[])[Batch, 3, 11, 13])));
        Value y = g.Add(new Relu(), Convolve(g, x, 8, 5, pad: 2, stride: 2, seed: 1));
        ModelGraph graph = g.Build("preprocessed", [new GraphPort("x", x)], [new GraphPort("y", y)], [Batch]);
        float[] mean = [123.675f, 116.28f, 103.53f], scale = [58.395f, 57.12f, 57.375f];
        TensorData bytes = RandomTensor.Of(ElementType.Float32, 5, 2, 3, 11, 13), outside = TensorData.Zeros(ElementType.Float32, 2, 3, 11, 13);
        for (int i = 0; i < bytes.Count; i++)
        {
            bytes.SetDouble(i, Math.Round((bytes.GetDouble(i) + 1) * 127.5));
            int channel = i / (11 * 13) % 3;
            outside.SetDouble(i, (bytes.GetDouble(i) - mean[channel]) / scale[channel]);
        }

        CompileOptions options = new() { Mean = new Dictionary<string, float[]> { [""] = mean }, Scale = new Dictionary<string, float[]> { [""] = scale } };
        Compare(graph, options, [bytes], new() { ["N"] = 2 }, GraphEvaluator.Run(graph, [outside]));
    }

    private static Value Convolve(GraphBuilder g, Value x, long channels, long kernel, long pad = 0, long stride = 1, int seed = 0) => g.Add(
        new Conv(Pads: (long[])[pad, pad, pad, pad], Strides: (long[])[stride, stride]),
        x,
        g.Constant(RandomTensor.Of(ElementType.Float32, seed, channels, x.Type.Dims[1].Value, kernel, kernel)),
        g.Constant(RandomTensor.Of(ElementType.Float32, seed + 100, channels)));

    private static void Check(int batch, bool optimize, Func<GraphBuilder, Value, Value> build, params long[] dims)
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", new TensorType(ElementType.Float32, (IndexExpr[])[Batch, dims[0], dims[1], dims[2]])));
        ModelGraph graph = g.Build("model", [new GraphPort("x", x)], [new GraphPort("y", build(g, x))], [Batch]);
        Check(graph, [RandomTensor.Of(ElementType.Float32, 42, batch, dims[0], dims[1], dims[2])], new() { ["N"] = batch }, optimize);
    }

    private static void Check(ModelGraph graph, IReadOnlyList<TensorData> inputs, Dictionary<string, long> dims, bool optimize) =>
        Compare(graph, new CompileOptions { Optimize = optimize }, inputs, dims, GraphEvaluator.Run(graph, inputs));

    private static void Compare(
        ModelGraph graph, CompileOptions options, IReadOnlyList<TensorData> inputs, Dictionary<string, long> dims, IReadOnlyList<TensorData> expected)
    {
        Compare(graph, options, Enum.GetValues<Isa>().Where(i => i.IsAvailable()), inputs, dims, expected);
        if (ObjectCompiler.Version is not null && ((Isa[])[Isa.Avx512, Isa.Avx2]).Where(CpuFeatures.CanRun).DefaultIfEmpty().Max() is var best and not Isa.Vector128)
            Compare(graph, options with { Kernels = "native", Isas = [best] }, [best], inputs, dims, expected);
        if (!Isa.Avx512.IsAvailable() && Avx512Emulation.Needs.IsAvailable())
            Compare(graph, options with { Isas = [Isa.Avx512], Emulate = true }, [Avx512Emulation.Needs], inputs, dims, expected);
    }

    private static void Compare(
        ModelGraph graph, CompileOptions options, IEnumerable<Isa> isas, IReadOnlyList<TensorData> inputs, Dictionary<string, long> dims, IReadOnlyList<TensorData> expected)
    {
        CompiledOutput compiled = Compilation.Compile(graph, "Tests.Subject", "model", "", new PassContext(options with { Verify = true }));
        using TemporaryDirectory folder = new();
        string path = Path.Combine(folder.Path, compiled.AssemblyName + ".dll");
        File.WriteAllBytes(path, compiled.Assembly);
        if (compiled.Weights is { } weights) File.WriteAllBytes(Path.Combine(folder.Path, compiled.WeightsName), weights);
        foreach (Isa isa in isas)
        {
            string what = options.Emulate ? "avx512 in software" : options.Kernels == "native" ? $"native {isa.Name()}" : isa.Name();
            byte[][] one = Run(path, isa, 1, inputs, dims, options.Kernels == "native"), two = Run(path, isa, 2, inputs, dims, options.Kernels == "native");
            for (int i = 0; i < expected.Count; i++)
            {
                Assert.That(two[i], Is.EqualTo(one[i]), $"{what}: results depend on the number of threads");
                TensorData actual = TensorData.FromBytes(expected[i].Element, expected[i].Dims, one[i]);
                double largest = Enumerable.Range(0, actual.Count).Max(e => Math.Abs(expected[i].GetDouble(e)));

                // Sums of at most a thousand products: their rounding errors stay below 1e-5 of the largest value.
                for (int e = 0; e < actual.Count; e++)
                    Assert.That(actual.GetDouble(e), Is.EqualTo(expected[i].GetDouble(e)).Within(1e-5 * largest), $"{what}: output {i}, element {e}");
            }
        }
    }

    private static byte[][] Run(string path, Isa isa, int threads, IReadOnlyList<TensorData> inputs, Dictionary<string, long> dims, bool native)
    {
        using CompiledModel model = CompiledModel.Load(path, new LatheOptions { Isa = isa, Threads = threads, Unloadable = true });
        using InferRequest request = model.CreateRequest(dims);
        for (int i = 0; i < inputs.Count; i++) inputs[i].Bytes.CopyTo(request.InputBytes(i));
        request.Infer();
        Assert.That(request.Ran.Kernels[native ? "csharp" : "native"], Is.Zero);

        // Once more over a used arena: nothing may rest on memory being zero.
        request.Infer();
        return [.. Enumerable.Range(0, model.Info.Outputs.Count).Select(i => request.OutputBytes(i).ToArray())];
    }
}
