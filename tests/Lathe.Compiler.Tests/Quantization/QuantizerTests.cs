using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Passes;
using Lathe.Compiler.Quantization;
using Lathe.Compiler.Tests.Onnx;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Quantization;

/// <summary>Networks of floats, quantised: the file says what the kernels compute, and it is what the network computed, nearly.</summary>
[TestFixture]
internal sealed class QuantizerTests
{
    private const int Samples = 3;

    [Test]
    public void Network_StaysWhatItWas([Range(1, 12)] int seed)
    {
        RandomNetwork network = new(seed);
        using TemporaryDirectory folder = new();
        string path = folder.Write("network.onnx", network.Model.Model.ToByteArray());
        TensorData[] samples = [.. Enumerable.Range(0, Samples).Select(_ => network.Sample())];
        QuantizedModel quantized = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { MinSqnr = -100 }, new MemoryRunner(samples));
        CompileOptions asQuantized = new() { Quantized = quantized };
        Compiler.Graph.Graph floats = Read(path, new CompileOptions()), bytes = Read(path, asQuantized);
        TensorData input = samples[0], exact = GraphEvaluator.Run(floats, [input])[0], meant = GraphEvaluator.Run(bytes, [input])[0];
        using CompiledGraph compiled = new(bytes, isa: Enum.GetValues<Isa>().Where(i => i.IsAvailable()).Max());
        TensorData actual = compiled.Run(input)[0];

        // A sum that lies on a tie may be rounded to either side, which is a step of one element; the kernels and the operators' meaning differ by no more. A step is a
        // part in 256 of the range, 40 dB below the signal where it happens everywhere.
        Assert.That(Ratio(meant, actual), Is.GreaterThan(50));
        // Rounding to a step of a 256th of a range of eight standard deviations costs 41 dB; eight layers that round their inputs and weights, so sixteen roundings, 12 dB more.
        Assert.That(Ratio(exact, meant), Is.GreaterThan(25));
        Assert.That(quantized.Outputs[0].SqnrDb, Is.GreaterThan(25));
        Assert.That(MultipliesFloats(bytes), Is.EqualTo(quantized.Kept.Count), "what is said to multiply bytes does");
    }

    [Test]
    public void SameModelAndSamples_GiveTheSameFile()
    {
        RandomNetwork network = new(3);
        using TemporaryDirectory folder = new();
        string path = folder.Write("network.onnx", network.Model.Model.ToByteArray());
        TensorData sample = network.Sample();
        byte[] first = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions(), new MemoryRunner(sample)).Onnx;
        Assert.That(Quantizer.Run(path, new CompileOptions(), new QuantizeOptions(), new MemoryRunner(sample)).Onnx, Is.EqualTo(first));
    }

    [Test]
    public void LayersBelowTheRatio_StayInFloats()
    {
        RandomNetwork network = new(5);
        using TemporaryDirectory folder = new();
        string path = folder.Write("network.onnx", network.Model.Model.ToByteArray());
        MemoryRunner runner = new(network.Sample());
        QuantizedModel all = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { MinSqnr = -100 }, runner);
        QuantizedLayer worst = all.Layers.MinBy(l => l.SqnrDb)!;
        QuantizedModel rest = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { MinSqnr = worst.SqnrDb + 1e-9 }, runner);
        Assert.That(rest.Layers.Count, Is.EqualTo(all.Layers.Count - 1));
        Assert.That(rest.Kept.Single(k => k.SqnrDb is not null), Has.Property(nameof(KeptLayer.Node)).EqualTo(worst.Node).And.Property(nameof(KeptLayer.SqnrDb)).EqualTo(worst.SqnrDb));
    }

    [Test]
    public void AllLayersBelowTheRatio_AreNothingToQuantise()
    {
        RandomNetwork network = new(2);
        Assert.That(Refused(network.Model, new MemoryRunner(network.Sample()), new QuantizeOptions { MinSqnr = 500 }), Is.EqualTo(DiagnosticTable.NothingToQuantize));
    }

    [Test]
    public void ModelWithoutProducts_IsRefused() => Assert.That(
        Refused(new ModelBuilder().Input("x", 4).Output("y").Node("Relu", ["x"], ["y"]), new MemoryRunner(TensorData.OfFloats([1, 2, 3, 4], 4))), Is.EqualTo(DiagnosticTable.NothingToQuantize));

    [Test]
    public void QuantisedModel_IsRefused()
    {
        RandomNetwork network = new(1);
        using TemporaryDirectory folder = new();
        QuantizedModel quantized = Quantizer.Run(folder.Write("network.onnx", network.Model.Model.ToByteArray()), new CompileOptions(), new QuantizeOptions(), new MemoryRunner(network.Sample()));
        DiagnosticException refused = Assert.Throws<DiagnosticException>(() => Quantizer.Run(folder.Write("again.onnx", quantized.Onnx), new CompileOptions(), new QuantizeOptions(), new MemoryRunner(network.Sample())))!;
        Assert.That(refused.Diagnostic.Descriptor, Is.EqualTo(DiagnosticTable.AlreadyQuantized));
    }

    [Test]
    public void InfiniteValue_NamesTheSample()
    {
        // exp(100) is more than a float holds.
        ModelBuilder model = new ModelBuilder().Input("x", 1, 8).Output("y").Node("Exp", ["x"], ["e"]).Node("MatMul", ["e", "w"], ["y"])
            .Initialiser(ModelBuilder.Floats("w", [8, 200], [.. Enumerable.Range(0, 1600).Select(i => i / 1600f)]));
        MemoryRunner runner = new(TensorData.OfFloats([.. Enumerable.Repeat(1f, 8)], 1, 8), TensorData.OfFloats([.. Enumerable.Repeat(100f, 8)], 1, 8));
        using TemporaryDirectory folder = new();
        DiagnosticException refused = Assert.Throws<DiagnosticException>(() => Quantizer.Run(folder.Write("m.onnx", model.Model.ToByteArray()), new CompileOptions(), new QuantizeOptions(), runner))!;
        Assert.That(refused.Diagnostic.Descriptor, Is.EqualTo(DiagnosticTable.NotFinite));
        Assert.That(refused.Diagnostic.Message, Does.Contain("'e'").And.Contain("'sample 1'"));
    }

    private static DiagnosticDescriptor Refused(ModelBuilder model, MemoryRunner runner, QuantizeOptions? how = null)
    {
        using TemporaryDirectory folder = new();
        string path = folder.Write("model.onnx", model.Model.ToByteArray());
        return Assert.Throws<DiagnosticException>(() => Quantizer.Run(path, new CompileOptions(), how ?? new QuantizeOptions(), runner))!.Diagnostic.Descriptor;
    }

    private static Compiler.Graph.Graph Read(string path, CompileOptions options)
    {
        (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read(path, options);
        Assert.That(graph, Is.Not.Null, string.Join("\n", diagnostics.Select(d => d.Message)));
        return graph!;
    }

    /// <summary>How many steps multiply floats.</summary>
    private static int MultipliesFloats(Compiler.Graph.Graph graph)
    {
        PassContext context = new(new CompileOptions { Verify = true });
        Compiler.Graph.Graph lowered = Pipeline.RunLower(Pipeline.RunNormalise(graph, context), context);
        return lowered.TopologicalOrder().Select(n => n.Op).OfType<Fused>().SelectMany(f => f.Operators).Count(o => o.Name is "Conv" or "Gemm" or "MatMul");
    }

    /// <summary>Signal to noise in decibels.</summary>
    private static double Ratio(TensorData reference, TensorData other)
    {
        double signal = 0, noise = 1e-30;
        for (int i = 0; i < reference.Count; i++)
        {
            signal += reference.GetDouble(i) * reference.GetDouble(i);
            noise += Math.Pow(reference.GetDouble(i) - other.GetDouble(i), 2);
        }

        return 10 * Math.Log10(signal / noise);
    }
}
