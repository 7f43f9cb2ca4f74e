using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Quantization;
using Lathe.Compiler.Tests.Onnx;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Onnx.ModelBuilder;

namespace Lathe.Compiler.Tests.Quantization;

/// <summary>Models as few exporters write them: quantised they compute what they did, or stay in floats where they cannot be.</summary>
[TestFixture]
internal sealed class OddModelTests
{
    private const int Samples = 4;

    private static IEnumerable<TestCaseData> Models()
    {
        yield return Case("a bias of rows, as many as columns", Products([8, 1]), [8, 16], "its bias is none of channels");
        yield return Case("a bias of a row", Products([1, 8]), [8, 16]);
        yield return Case("a bias of one number", Products([1, 1]), [8, 16]);
        yield return Case("statistics of the batch", Convolutions().Initialiser(Values(5, 24)).Initialiser(Values(6, 24)).Initialiser(Values(7, 24)).Initialiser(Positive(8, 24))
            .Node("BatchNormalization", ["h", "w5", "w6", "w7", "w8"], ["b"], ("training_mode", 1L)).Node("Conv", ["b", "w2"], ["y"], ("pads", (long[])[1, 1, 1, 1])), [1, 16, 6, 6]);
        yield return Case("weights that another node reads", Convolutions().Node("ReduceMean", ["w2"], ["m"], ("keepdims", 0L))
            .Node("Conv", ["h", "w2"], ["c"], ("pads", (long[])[1, 1, 1, 1])).Node("Conv", ["c", "w2"], ["d"], ("pads", (long[])[1, 1, 1, 1])).Node("Add", ["d", "m"], ["y"]), [1, 16, 6, 6]);
        yield return Case("weights in a body", WithBody(), [1, 16, 6, 6]);
    }

    [TestCaseSource(nameof(Models))]
    public void Model_StaysWhatItWas(Func<ModelBuilder> build, long[] dims, string? kept)
    {
        byte[] model = build().Model.ToByteArray();
        TensorData[] samples = [.. Enumerable.Range(0, Samples).Select(i => Tensor(100 + i, dims))];
        using TemporaryDirectory folder = new();
        string path = folder.Write("model.onnx", model);
        QuantizedModel quantized = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { MinSqnr = -100 }, new MemoryRunner(samples));
        Assert.That(quantized.Kept.Select(k => k.Reason), Is.EqualTo(kept is null ? [] : new[] { kept }));
        Assert.That(quantized.Layers, Is.Not.Empty);
        Compiler.Graph.Graph floats = Read(path), bytes = Read(folder.Write("q.onnx", quantized.Onnx));
        double ratio = Ratio([.. samples.Select(s => (GraphEvaluator.Run(floats, [s])[0], GraphEvaluator.Run(bytes, [s])[0]))]);
        // Three layers at most, whose rounding costs a part in 256 of a range of eight standard deviations, which is 41 dB below the signal, for inputs and for weights.
        Assert.That(ratio, Is.GreaterThan(30));
        // Sums that lie on ties are rounded to either side.
        Assert.That(quantized.Outputs[0].SqnrDb, Is.EqualTo(ratio).Within(1), "what it says that it lost is what it lost");
    }

    [Test]
    public void File_StandsAlone()
    {
        ModelBuilder model = WithBody()();
        using TemporaryDirectory folder = new(), elsewhere = new();
        GraphProto body = model.Model.Graph.Node.Single(n => n.OpType == "If").Attribute[0].G;
        MakeExternal(folder, "weights.bin", body.Initializer.Single());
        // A constant that stands in an attribute, and an initialiser.
        TensorProto constant = model.Model.Graph.Initializer.Single(i => i.Name == "w2"), initialiser = model.Model.Graph.Initializer.Single(i => i.Name == "zero");
        model.Model.Graph.Initializer.Remove(constant);
        model.Model.Graph.Node.Insert(0, MakeNode("Constant", [], ["k"], ("value", constant)));
        model.Node("ReduceMean", ["k"], ["m"], ("keepdims", 0L)).Node("Add", ["y", "m"], ["z"]).Node("Conv", ["z", "k"], ["q"], ("pads", (long[])[1, 1, 1, 1])).Output("q");
        foreach (NodeProto reader in model.Model.Graph.Node.Where(n => n.Input.Contains("w2"))) reader.Input[1] = "k";
        MakeExternal(folder, "constant.bin", constant);
        MakeExternal(folder, "zero.bin", initialiser);
        TensorData sample = Tensor(100, 1, 16, 6, 6);
        string path = folder.Write("model.onnx", model.Model.ToByteArray());
        QuantizedModel quantized = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { MinSqnr = -100 }, new MemoryRunner(sample));
        TensorData exact = GraphEvaluator.Run(Read(path), [sample])[0], rounded = GraphEvaluator.Run(Read(elsewhere.Write("q.onnx", quantized.Onnx)), [sample])[0];
        Assert.That(Ratio((exact, rounded)), Is.GreaterThan(30));
    }

    [Test]
    public void WhatACommandCompilesWith_MakesNoDifference()
    {
        // The samples are denormal: zeros where such numbers are flushed. What they are divided by is computed, so that no constant is made of it and the scale.
        ModelBuilder model = new ModelBuilder().Input("x", 1, 16).Output("y").Initialiser(Values(1, 16, 32))
            .Node("Abs", ["x"], ["a"]).Node("ReduceMax", ["a"], ["m"]).Node("Div", ["x", "m"], ["l"]).Node("MatMul", ["l", "w1"], ["y"]);
        TensorData sample = Tensor(2, 1, 16);
        for (int i = 0; i < sample.Count; i++) sample.SetDouble(i, sample.GetDouble(i) * 1e-39);
        using TemporaryDirectory folder = new();
        string path = folder.Write("model.onnx", model.Model.ToByteArray());
        QuantizedModel plain = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions(), new MemoryRunner(sample));
        Assert.That(plain.Outputs[0].SqnrDb, Is.GreaterThan(30));
        foreach (CompileOptions options in (CompileOptions[])[new() { KeepDenormals = true }, new() { Device = "GPU" }, new() { ShowLayers = true }, new() { Kernels = "native", Winograd = false, StopAfter = 0 }])
        {
            QuantizedModel other = Quantizer.Run(path, options, new QuantizeOptions(), new MemoryRunner(sample));
            Assert.That(other.Onnx, Is.EqualTo(plain.Onnx));
            Assert.That(other.Outputs, Is.EqualTo(plain.Outputs));
        }
    }

    [Test]
    public void Outputs_AreComparedWithThoseOfTheFile()
    {
        // Of this operator set the softmax is rewritten for a later one, and so is not what the file has.
        ModelBuilder model = new ModelBuilder(11).Input("x", 4, 16, 2).Output("y").Initialiser(Values(1, 2, 32)).Node("MatMul", ["x", "w1"], ["p"]).Node("Softmax", ["p"], ["y"], ("axis", 1L));
        using TemporaryDirectory folder = new();
        WatchingRunner runner = new(new MemoryRunner(Tensor(2, 4, 16, 2)));
        Quantizer.Run(folder.Write("model.onnx", model.Model.ToByteArray()), new CompileOptions(), new QuantizeOptions { MinSqnr = -100 }, runner);
        Assert.That(runner.Compared, Has.Count.EqualTo(2));
        Assert.That(Makes(runner.Compared[1], "Softmax_y_result"), Is.True, "the rewritten one");
        Assert.That(Makes(runner.Compared[0], "Softmax_y_result"), Is.False);

        static bool Makes(CompiledOutput model, string name) => model.Report.Groups.Any(g => g.Name == name);
    }

    private static TestCaseData Case(string name, Func<ModelBuilder> model, long[] dims, string? kept = null) => new TestCaseData(model, dims, kept).SetArgDisplayNames(name);

    private static TestCaseData Case(string name, ModelBuilder model, long[] dims, string? kept = null) => Case(name, () => model, dims, kept);

    private static Func<ModelBuilder> Products(long[] bias) => () => new ModelBuilder().Input("x", 8, 16).Output("y")
        .Initialiser(Values(1, 16, 8)).Initialiser(Values(2, bias)).Initialiser(Values(3, 8, 12))
        .Node("Gemm", ["x", "w1", "w2"], ["g"]).Node("MatMul", ["g", "w3"], ["y"]);

    /// <summary>A convolution into h of 24 channels, and the weights w2 of another.</summary>
    private static ModelBuilder Convolutions() => new ModelBuilder().Input("x", 1, 16, 6, 6).Output("y").Initialiser(Values(1, 24, 16, 3, 3)).Initialiser(Values(2, 24, 24, 3, 3))
        .Node("Conv", ["x", "w1"], ["h"], ("pads", (long[])[1, 1, 1, 1]));

    /// <summary>A convolution in one of two branches, and one behind both.</summary>
    private static Func<ModelBuilder> WithBody() => () =>
    {
        GraphProto then = new() { Name = "then" }, otherwise = new() { Name = "else" };
        then.Initializer.Add(Values(3, 24, 24, 1, 1));
        then.Node.Add(MakeNode("Conv", ["h", "w3"], ["t"]));
        then.Output.Add(new ValueInfoProto { Name = "t" });
        otherwise.Node.Add(MakeNode("Neg", ["h"], ["e"]));
        otherwise.Output.Add(new ValueInfoProto { Name = "e" });
        return Convolutions().Initialiser(Floats("zero", [], 0)).Node("ReduceMean", ["x"], ["mean"], ("keepdims", 0L)).Node("Greater", ["mean", "zero"], ["positive"])
            .Node("If", ["positive"], ["b"], ("then_branch", then), ("else_branch", otherwise)).Node("Conv", ["b", "w2"], ["y"], ("pads", (long[])[1, 1, 1, 1]));
    };

    /// <summary>Weights that keep the size of what they multiply, or so.</summary>
    private static TensorProto Values(int seed, params long[] dims)
    {
        TensorData data = Tensor(seed, dims);
        double gain = dims.Length < 2 ? 0.3 : 1.4 / Math.Sqrt((double)data.Count / (dims.Length == 2 ? dims[1] : dims[0]));
        return Floats($"w{seed}", dims, [.. data.ToDoubles().Select(v => (float)(v * gain))]);
    }

    private static TensorProto Positive(int seed, params long[] dims) => Floats($"w{seed}", dims, [.. Tensor(seed, dims).ToDoubles().Select(v => (float)(0.1 + Math.Abs(v)))]);

    /// <summary>Numbers between -1 and 1.</summary>
    private static TensorData Tensor(int seed, params long[] dims) => RandomTensor.Of(ElementType.Float32, seed, dims);

    private static void MakeExternal(TemporaryDirectory folder, string name, TensorProto tensor)
    {
        folder.Write(name, new TensorReader(folder.Path).Read(tensor).Bytes);
        tensor.FloatData.Clear();
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = name });
    }

    private static Compiler.Graph.Graph Read(string path)
    {
        (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read(path, new CompileOptions());
        Assert.That(graph, Is.Not.Null, string.Join("\n", diagnostics.Select(d => d.Message)));
        return graph!;
    }

    /// <summary>Signal to noise in decibels.</summary>
    private static double Ratio(params IReadOnlyList<(TensorData Exact, TensorData Rounded)> pairs)
    {
        double signal = 0, noise = 0;
        foreach ((TensorData exact, TensorData rounded) in pairs)
        {
            Assert.That(rounded.Dims, Is.EqualTo(exact.Dims));
            signal += exact.ToDoubles().Sum(v => v * v);
            noise += exact.ToDoubles().Zip(rounded.ToDoubles(), (a, b) => (a - b) * (a - b)).Sum();
        }

        return 10 * Math.Log10(signal / noise);
    }

    /// <summary>Keeps the models that are run side by side.</summary>
    private sealed class WatchingRunner(ISampleRunner runner) : ISampleRunner
    {
        public IReadOnlyList<CompiledOutput> Compared { get; private set; } = [];

        public int Open(CompiledOutput model) => runner.Open(model);

        public string NameOf(int sample) => runner.NameOf(sample);

        public ISampleModel Load(CompiledOutput model)
        {
            // The last two are those that are compared.
            Compared = [.. Compared.TakeLast(1), model];
            return runner.Load(model);
        }
    }
}
