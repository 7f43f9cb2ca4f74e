using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Passes;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Onnx;

[TestFixture]
internal sealed class SharedModelTests
{
    private static IEnumerable<string> Models => Places.SharedFolder is null
        ? ["none"]
        : Directory.GetFiles(Places.Shared("models"), "model.onnx", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Places.Shared("models"), Path.GetDirectoryName(f)!))
            .Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Models))]
    public void Model_IsReadOrSaysWhichOperatorsAreMissing(string name)
    {
        string path = Places.Shared("models", name, "model.onnx");
        (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read(path, new CompileOptions());
        foreach (Diagnostic diagnostic in diagnostics) TestContext.Out.WriteLine(diagnostic.ToMSBuild(name));
        if (graph is null)
        {
            Assert.That(diagnostics.Select(d => d.Descriptor.Id), Is.All.EqualTo("LATHE0004").And.Not.Empty);
            return;
        }

        GraphVerifier.Verify(graph, "import");
        PassContext context = new(new CompileOptions { Verify = true });
        Compiler.Graph.Graph normal = Pipeline.RunNormalise(graph, context);
        TestContext.Out.WriteLine($"{graph.TopologicalOrder().Count} → {normal.TopologicalOrder().Count} nodes; {string.Join(", ", context.Applied)}");
        TestContext.Out.WriteLine(string.Join(" ", normal.TopologicalOrder().GroupBy(n => n.Op.Name).OrderBy(g => g.Key).Select(g => $"{g.Key}*{g.Count()}")));

        Dictionary<string, TensorData> data = [];
        string text = GraphPrinter.Print(normal, data);
        Assert.That(GraphPrinter.Print(GraphParser.Parse(text, data)), Is.EqualTo(text));
    }

    [Test]
    public void UnsupportedOperator_IsNamedWithItsNodes()
    {
        string path = Places.Shared("models", "negative", "unsupported_custom_op_resnet8", "model.onnx");
        (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read(path, new CompileOptions());
        Assert.That(graph, Is.Null);
        Assert.That(diagnostics.Select(d => d.Message), Has.Some.Contains("RequantShift"));
    }

    [TestCase("iris_mlp")]
    [TestCase("mnist_cntk")]
    [TestCase("mnist_pytorch_bn")]
    [TestCase("cifar10_cnn")]
    [TestCase("cct2_op20")]
    [TestCase("microllama_decode_step")]
    [TestCase("mobilenetv1_0.25_128_fp32")]
    [TestCase("ultraface_rfb_320", Explicit = true, Reason = "takes half a minute")]
    [TestCase("yunet_n_320", Explicit = true, Reason = "takes half a minute")]
    [TestCase("fastestdet_ortx", Explicit = true, Reason = "takes half a minute")]
    [TestCase("basic_pitch", Explicit = true, Reason = "takes minutes")]
    [TestCase("magika_v3_3", Explicit = true, Reason = "takes minutes")]
    public void Model_GivesItsReferenceOutputs_BeforeAndAfterNormalisation(string name)
    {
        string directory = Places.Shared("models", name);
        (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read(Path.Combine(directory, "model.onnx"), new CompileOptions());
        Assert.That(diagnostics, Is.Empty);
        Compiler.Graph.Graph normal = Pipeline.RunNormalise(graph!, new PassContext(new CompileOptions { Verify = true }));
        foreach (string set in Directory.GetDirectories(directory, "test_data_set_*"))
        {
            TensorData[] inputs = [.. graph!.Inputs.Select((_, i) => OnnxFrontEnd.ReadTensor(Path.Combine(set, $"input_{i}.pb")).Data)];
            foreach (Compiler.Graph.Graph form in (Compiler.Graph.Graph[])[graph, normal])
            {
                IReadOnlyList<TensorData> outputs = GraphEvaluator.Run(form, inputs);
                for (int i = 0; i < outputs.Count; i++)
                    Tensors.AssertClose(outputs[i], OnnxFrontEnd.ReadTensor(Path.Combine(set, $"output_{i}.pb")).Data, 1e-4);
            }
        }
    }
}
