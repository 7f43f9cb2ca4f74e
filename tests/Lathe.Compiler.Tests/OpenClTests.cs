using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Passes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.OpenCl;
using Lathe.Runtime.Plans;
using If = Lathe.Compiler.Operators.Control.If;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>Graphs compiled for a device, through the whole compiler and the runtime, against the operators' meaning.</summary>
internal sealed class OpenClTests
{
    private static readonly CompileOptions Gpu = new() { Device = "GPU" };

    [OneTimeSetUp]
    public void NeedsADevice()
    {
        if (OpenClDevice.All().Count == 0) Assert.Ignore("There is no OpenCL device (apt-get install pocl-opencl-icd ocl-icd-libopencl1).");
    }

    [Test]
    public void Convolutions_WithChannelTails_RunOnTheDevice([Values] Isa isa)
    {
        ModelGraph graph = Convolutions(out IndexVar batch);
        using CompiledGraph compiled = new(graph, isa: isa, options: Gpu, dims: new Dictionary<string, long> { [batch.Name] = 3 });
        TensorData x = RandomTensor.Of(ElementType.Float32, 42, 3, 5, 13, 21);
        for (int i = 0; i < 2; i++) IsClose(compiled.Run(x)[0], GraphEvaluator.Run(graph, [x])[0]);
        RunCounts ran = compiled.Request.Ran;
        Assert.That(ran.Devices.Keys, Is.EqualTo(new[] { "GPU" }));
        Assert.That(ran.Kernels["opencl"], Is.EqualTo(ran.Devices["GPU"]).And.GreaterThan(1));
        Assert.That(ran.Fallbacks, Is.Empty);
        Assert.That(compiled.Model.Info.Device, Is.EqualTo(OpenClDevice.Choose().ToString()));
    }

    [Test]
    public void ManagedCode_StillThrowsWhereItDividesByZero()
    {
        using CompiledGraph compiled = new(Convolutions(out IndexVar batch), isa: Isa.Avx512, options: Gpu, dims: new Dictionary<string, long> { [batch.Name] = 1 });
        compiled.Run(RandomTensor.Of(ElementType.Float32, 1, 1, 5, 13, 21));
        int[] values = [7, 0, int.MinValue, -1];
        Assert.That(() => values[0] / values[1], Throws.TypeOf<DivideByZeroException>());
        Assert.That(() => values[2] / values[3], Throws.InstanceOf<ArithmeticException>());
    }

    [Test]
    public void Shapes_ThatDataDetermine_ChangeFromRunToRun()
    {
        ModelGraph graph = DataDependentShapeTests.Build(
            [("x", ElementType.Float32, [4, 6]), ("shape", ElementType.Int64, [3])],
            (g, v) => g.Add(new Relu(), g.Add(new Neg(), DataDependentShapeTests.Import(g, "Reshape", 14, g.Add(new Relu(), v[0]), v[1]))));
        using CompiledGraph compiled = new(graph, isa: Isa.Avx512, options: Gpu);
        foreach (long[] shape in (long[][])[[2, 3, 4], [-1, 1, 3], [0, 6, -1], [24, 1, 1]])
            DataDependentShapeTests.Compare(compiled, graph, DataDependentShapeTests.Random(4, 6), TensorData.OfInt64s(shape));
        Assert.That(() => compiled.Run(DataDependentShapeTests.Random(4, 6), TensorData.OfInt64s([5, 5, 1])), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0508"));
        DataDependentShapeTests.Compare(compiled, graph, DataDependentShapeTests.Random(4, 6), TensorData.OfInt64s([1, 4, 6]));
    }

    [Test]
    public void Shapes_ThatDataDetermine_FillAPartOfBoundMemory()
    {
        ModelGraph graph = DataDependentShapeTests.Build(
            [("x", ElementType.Float32, [1, 6]), ("shape", ElementType.Int64, [2])],
            (g, v) => g.Add(new Neg(), DataDependentShapeTests.Import(g, "Expand", 13, g.Add(new Relu(), v[0]), v[1])));
        using CompiledGraph compiled = new(graph, isa: Isa.Avx512, options: Gpu);
        string output = compiled.Model.Info.Outputs[0].Name;
        float[] y = new float[100];
        compiled.Request.BindOutput<float>(output, y);
        foreach (long rows in (long[])[3, 16, 1])
        {
            Array.Fill(y, 7);
            TensorData[] inputs = [DataDependentShapeTests.Random(1, 6), TensorData.OfInt64s([rows, 6])];
            IsClose(compiled.Run(inputs)[0], GraphEvaluator.Run(graph, inputs)[0]);
            Assert.That(y[(int)(6 * rows)..], Has.All.EqualTo(7));
        }

        Assert.That(() => compiled.Run(DataDependentShapeTests.Random(1, 6), TensorData.OfInt64s([17, 6])), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0509"));
        compiled.Request.UnbindOutput(output);
        TensorData[] again = [DataDependentShapeTests.Random(1, 6), TensorData.OfInt64s([17, 6])];
        IsClose(compiled.Run(again)[0], GraphEvaluator.Run(graph, again)[0]);
    }

    [Test]
    public void Arena_GrowsAndKeepsWhatItHolds()
    {
        // What Expand makes is far larger than what the request began with, and what was computed before it is read behind it.
        ModelGraph graph = DataDependentShapeTests.Build(
            [("x", ElementType.Float32, [1, 6]), ("shape", ElementType.Int64, [2])],
            (g, v) =>
            {
                Value before = g.Add(new Exp(), v[0]), large = g.Add(new Sigmoid(), DataDependentShapeTests.Import(g, "Expand", 13, g.Add(new Relu(), v[0]), v[1]));
                Value largest = DataDependentShapeTests.Import(g, "ReduceMax", 18, [large, g.Constant(TensorData.OfInt64s([0]))], ("keepdims", 1L));
                return g.Add(new Add(), largest, before);
            });
        using CompiledGraph compiled = new(graph, isa: Isa.Avx512, options: Gpu);
        foreach (long rows in (long[])[1, 5000, 3, 70_000])
        {
            TensorData[] inputs = [DataDependentShapeTests.Random(1, 6), TensorData.OfInt64s([rows, 6])];
            IsClose(compiled.Run(inputs)[0], GraphEvaluator.Run(graph, inputs)[0]);
        }
    }

    [Test]
    public void If_TakesEitherBranch()
    {
        GraphBuilder g = new();
        TensorType type = TensorType.Of(ElementType.Float32, 3, 10);
        Value choice = g.Add(new Input("choice", TensorType.Of(ElementType.Bool, 1))), x = g.Add(new Input("x", type));
        Value result = g.Add(new If(Body("then", new Exp()), Body("else", new Neg())), g.Add(new Not(), choice), g.Add(new Mul(), x, x));
        ModelGraph graph = g.Build("choice", [new GraphPort("choice", choice), new GraphPort("x", x)], [new GraphPort("y", result)], []);
        using CompiledGraph compiled = new(graph, isa: Isa.Avx512, options: Gpu);
        foreach (bool condition in (bool[])[true, false, true])
        {
            TensorData[] inputs = [TensorData.Of<bool>(ElementType.Bool, [condition], 1), RandomTensor.Of(ElementType.Float32, 1, 3, 10)];
            IsClose(compiled.Run(inputs)[0], GraphEvaluator.Run(graph, inputs)[0]);
        }

        ModelGraph Body(string name, Op op)
        {
            GraphBuilder body = new();
            Value input = body.Add(new Input("captured", type));
            return body.Build(name, [new GraphPort("captured", input)], [new GraphPort("y", body.Add(new Add(), body.Add(op, input), input))], []);
        }
    }

    [Test]
    public void Loops_CarryValuesOnTheDevice()
    {
        ModelGraph graph = DataDependentShapeTests.Build([("x", ElementType.Float32, [5, 2, 3])], (g, v) => DataDependentShapeTests.Import(
            g, "GRU", 14, [v[0], g.Constant(RandomTensor.Of(ElementType.Float32, 1, 1, 12, 3)), g.Constant(RandomTensor.Of(ElementType.Float32, 2, 1, 12, 4))], ("hidden_size", 4L)));
        using CompiledGraph compiled = new(graph, isa: Isa.Avx512, options: Gpu);
        TensorData x = RandomTensor.Of(ElementType.Float32, 3, 5, 2, 3);
        for (int i = 0; i < 2; i++) IsClose(compiled.Run(x)[0], GraphEvaluator.Run(graph, [x])[0]);
    }

    [Test]
    public void Indices_AreCheckedBeforeTheyAreUsed()
    {
        ModelGraph graph = DataDependentShapeTests.Build(
            [("x", ElementType.Float32, [7, 3]), ("indices", ElementType.Int64, [4])], (g, v) => DataDependentShapeTests.Import(g, "Gather", 13, g.Add(new Neg(), v[0]), v[1]));
        using CompiledGraph compiled = new(graph, isa: Isa.Avx512, options: Gpu);
        DataDependentShapeTests.Compare(compiled, graph, DataDependentShapeTests.Random(7, 3), TensorData.OfInt64s([0, 6, -1, 2]));
        Assert.That(() => compiled.Run(DataDependentShapeTests.Random(7, 3), TensorData.OfInt64s([0, 7, 1, 2])), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0508"));
        DataDependentShapeTests.Compare(compiled, graph, DataDependentShapeTests.Random(7, 3), TensorData.OfInt64s([5, 5, -7, 0]));
    }

    [Test]
    public void Memory_OfTheCaller_IsUsedInPlace()
    {
        ModelGraph graph = DataDependentShapeTests.Build([("x", ElementType.Float32, [2, 50])], (g, v) => g.Add(new Neg(), v[0]));
        using CompiledGraph compiled = new(graph, isa: Isa.Avx512, options: Gpu);
        float[] x = [.. Enumerable.Range(0, 100).Select(i => (float)i)], y = new float[100];
        for (int round = 0; round < 2; round++)
        {
            compiled.Request.BindInput<float>("x", x);
            compiled.Request.BindOutput<float>("y", y);
            compiled.Request.Infer();
            Assert.That(y, Is.EqualTo(x.Select(v => -v)));
            x[7] = 1000;
            compiled.Request.Infer();
            Assert.That(y[7], Is.EqualTo(-1000));
            compiled.Request.UnbindInput("x");
            compiled.Request.UnbindOutput("y");
            compiled.Request.Input<float>("x").Fill(3);
            compiled.Request.Infer();
            Assert.That(compiled.Request.Output<float>("y").ToArray(), Has.All.EqualTo(-3));
            Assert.That(y[7], Is.EqualTo(-1000));
            x[7] = 7;
        }
    }

    [Test]
    public async Task Requests_RunAtTheSameTime_AndOutliveTheModel()
    {
        ModelGraph graph = Convolutions(out IndexVar batch);
        using CompiledGraph compiled = new(graph, isa: Isa.Avx512, options: Gpu, dims: new Dictionary<string, long> { [batch.Name] = 1 });
        InferRequest[] requests = [.. Enumerable.Range(0, 3).Select(_ => compiled.Model.CreateRequest(new Dictionary<string, long> { [batch.Name] = 2 }))];
        TensorData[] inputs = [.. requests.Select((_, i) => RandomTensor.Of(ElementType.Float32, i, 2, 5, 13, 21))];
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < requests.Length; i++) inputs[i].Bytes.CopyTo(requests[i].InputBytes(0));
            await Task.WhenAll(requests.Select(r => r.InferAsync().AsTask()));
        }

        for (int i = 0; i < requests.Length; i++)
            IsClose(TensorData.FromBytes(ElementType.Float32, requests[i].OutputShape(0).ToArray(), requests[i].OutputBytes(0).ToArray()), GraphEvaluator.Run(graph, [inputs[i]])[0]);
        compiled.Model.Dispose();
        Assert.That(() => requests[0].Infer(), Throws.TypeOf<ObjectDisposedException>());
        foreach (InferRequest request in requests) request.Dispose();
    }

    [Test]
    public void WeightsThatTheCpuPrepares_AreComputedByEveryInference()
    {
        // Larger than what is folded, and more than twice its source.
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 3, 256)));
        sbyte[] bytes = [.. Enumerable.Range(0, 256 * 256).Select(i => (sbyte)((i * 37 % 255) - 127))];
        Value dequantized = DataDependentShapeTests.Import(g, "DequantizeLinear", 13, [g.Constant(TensorData.Of<sbyte>(ElementType.Int8, bytes, 256, 256)), g.Constant(TensorData.OfFloats([0.01f]))]);
        Value expanded = DataDependentShapeTests.Import(g, "Expand", 13, g.Constant(RandomTensor.Of(ElementType.Float32, 5, 1, 256)), g.Constant(TensorData.OfInt64s([256, 256])));
        ModelGraph graph = g.Build(
            "weights", [new GraphPort("x", x)], [new GraphPort("a", g.Add(new MatMul(), x, dequantized)), new GraphPort("b", g.Add(new MatMul(), x, expanded))], []);
        using CompiledGraph compiled = new(graph, isa: Isa.Avx512, options: Gpu);
        Assert.That(compiled.Model.Info.PreparedBytes, Is.Zero);
        TensorData input = RandomTensor.Of(ElementType.Float32, 1, 3, 256);
        for (int i = 0; i < 2; i++)
        {
            IReadOnlyList<TensorData> actual = compiled.Run(input), expected = GraphEvaluator.Run(graph, [input]);
            IsClose(actual[0], expected[0]);
            IsClose(actual[1], expected[1]);
        }
    }

    [Test]
    public void Operator_ThatOnlyTheCpuHas_IsRefused()
    {
        ModelGraph graph = DataDependentShapeTests.Build([("x", ElementType.Float32, [40])], (g, v) => DataDependentShapeTests.Import(g, "TopK", 11, v[0], g.Constant(TensorData.OfInt64s([3]))));
        DiagnosticException? refused = Assert.Throws<DiagnosticException>(() => Compilation.Compile(graph, "Tests.Subject", "model", "", new PassContext(Gpu)));
        Assert.That(refused!.Diagnostic.Descriptor.Id, Is.EqualTo("LATHE0205"));
        Assert.That(refused.Diagnostic.Message, Does.Contain("TopK").And.Contain("GPU"));
    }

    [TestCase("fp16")]
    [TestCase("bf16")]
    public void SixteenBits_AreStoredAndComputedInFloat32(string precision)
    {
        // Small integers, which 16 bits hold: whatever is stored so changes nothing. A third is rounded as a weight, and the result once more, before it gets the layout of an output.
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, 21, 9, 11)));
        Value a = g.Add(new Relu(), Convolve(x, 1f)), y = Convolve(g.Add(new Relu(), Convolve(a, 1f)), 1f / 3);
        ModelGraph graph = g.Build("model", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
        CompileOptions exact = Gpu with { Winograd = false };
        using CompiledGraph wide = new(graph, isa: Isa.Avx512, options: exact), narrow = new(graph, isa: Isa.Avx512, options: exact with { Precision = precision });
        TensorData input = TensorData.OfFloats([.. Enumerable.Range(0, 21 * 99).Select(i => (float)((i % 5) - 2))], 1, 21, 9, 11);
        float third = precision == "fp16" ? (float)(Half)(1f / 3) : BitConverter.UInt32BitsToSingle(0x3EAB0000);
        float[] expected = [.. wide.Run(input)[0].Span<float>()], actual = [.. narrow.Run(input)[0].Span<float>()];
        for (int i = 0; i < expected.Length; i++) Assert.That(actual[i], Is.EqualTo(MathF.Round(expected[i] * 3) * third).Within((precision == "fp16" ? 1f / 2048 : 1f / 256) * Math.Abs(expected[i])));
        Assert.That(expected.Zip(actual).Any(p => p.First != p.Second), Is.True);
        Assert.That(narrow.Report.Groups.Where(g => g.Op.Contains("Conv")), Has.All.Property("Precision").EqualTo(precision));
        Assert.That(narrow.Report.WeightBytes, Is.LessThan(wide.Report.WeightBytes * 0.6));
        Assert.That(narrow.Report.ArenaBytes, Is.LessThan(wide.Report.ArenaBytes * 0.6));

        Value Convolve(Value of, float weight) => g.Add(
            new Conv(Pads: (long[])[1, 1, 1, 1], Strides: (long[])[1, 1]), of, g.Constant(TensorData.OfFloats([.. Enumerable.Range(0, 21 * 21 * 9).Select(i => i % 97 == 0 ? weight : 0)], 21, 21, 3, 3)));
    }

    [Test]
    public void Cancellation_EndsAnInferenceThatRuns()
    {
        // Sixty products one after the other: far more than what is started ahead.
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 512, 512))), y = x;
        for (int i = 0; i < 60; i++) y = g.Add(new MatMul(), y, x);
        ModelGraph graph = g.Build("chain", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
        using CompiledGraph compiled = new(graph, isa: Isa.Avx512, options: Gpu);
        float[] ones = new float[512 * 512];
        for (int i = 0; i < 512; i++) ones[513 * i] = 1;
        compiled.Request.SetInput<float>("x", ones);
        compiled.Request.Infer();
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        compiled.Request.Infer();
        TimeSpan whole = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        using CancellationTokenSource source = new();
        ValueTask running = compiled.Request.InferAsync(source.Token);
        source.CancelAfter(whole / 8);
        Assert.That(async () => await running, Throws.InstanceOf<OperationCanceledException>());
        compiled.Request.Infer();
        Assert.That(compiled.Request.Output<float>("y").ToArray(), Is.EqualTo(ones));
    }

    [Test]
    [NonParallelizable]
    public void Device_ThatIsNotThere_IsOneError()
    {
        ModelGraph graph = DataDependentShapeTests.Build([("x", ElementType.Float32, [4])], (g, v) => g.Add(new Neg(), v[0]));
        try
        {
            foreach (string name in (string[])["no such device", "999"])
            {
                Environment.SetEnvironmentVariable(OpenClDevice.Variable, name);
                LatheException? missing = Assert.Throws<LatheException>(() => new CompiledGraph(graph, isa: Isa.Avx512, options: Gpu).Dispose());
                Assert.That(missing!.Id, Is.EqualTo("LATHE0510"));
                Assert.That(missing.Message, Does.Contain(name).And.Contain(OpenClDevice.All()[0].Name));
            }

            Environment.SetEnvironmentVariable(OpenClDevice.Variable, OpenClDevice.All()[0].PlatformName[..4].ToLowerInvariant());
            using CompiledGraph found = new(graph, isa: Isa.Avx512, options: Gpu);
            DataDependentShapeTests.Compare(found, graph, DataDependentShapeTests.Random(4));
        }
        finally
        {
            Environment.SetEnvironmentVariable(OpenClDevice.Variable, null);
        }
    }

    [Test]
    public void Compilation_IsDeterministic()
    {
        ModelGraph graph = Convolutions(out _);
        byte[] Once() => Compilation.Compile(graph, "Tests.Subject", "model", "", new PassContext(Gpu)).Assembly;
        Assert.That(Once(), Is.EqualTo(Once()));
    }

    private static ModelGraph Convolutions(out IndexVar batch)
    {
        GraphBuilder g = new();
        batch = new IndexVar("N", 1, 64);
        Value x = g.Add(new Input("x", new TensorType(ElementType.Float32, (IndexExpr[])[batch, 5, 13, 21])));
        Value a = g.Add(new Relu(), Convolve(x, 24, 3, 1, seed: 1)), b = g.Add(new Relu(), Convolve(a, 40, 1, 0, seed: 2));
        Value y = g.Add(new Sigmoid(), g.Add(new Add(), Convolve(b, 24, 3, 1, seed: 3), a));
        return g.Build("model", [new GraphPort("x", x)], [new GraphPort("y", y)], [batch]);

        Value Convolve(Value input, long channels, long kernel, long pad, int seed) => g.Add(
            new Conv(Pads: (long[])[pad, pad, pad, pad], Strides: (long[])[1, 1]),
            input,
            g.Constant(RandomTensor.Of(ElementType.Float32, seed, channels, input.Type.Dims[1].Value, kernel, kernel)),
            g.Constant(RandomTensor.Of(ElementType.Float32, seed + 100, channels)));
    }

    /// <summary>Sums in another order, and functions whose last bits differ: 1e-4 of the largest element, as for the CPU.</summary>
    private static void IsClose(TensorData actual, TensorData expected)
    {
        Assert.That(actual.Dims, Is.EqualTo(expected.Dims));
        float[] a = [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(actual.Bytes)], e = [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(expected.Bytes)];
        float largest = e.Max(Math.Abs);
        for (int i = 0; i < a.Length; i++)
            if (!(Math.Abs(a[i] - e[i]) <= 1e-4f * largest)) Assert.Fail($"element {i} is {a[i]:R}, not {e[i]:R}");
    }
}
