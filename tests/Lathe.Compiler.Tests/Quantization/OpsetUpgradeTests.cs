using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Quantization;
using Lathe.Compiler.Tests.Onnx;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Onnx.ModelBuilder;

namespace Lathe.Compiler.Tests.Quantization;

/// <summary>Models of old operator sets, rewritten for opset 13, compute what they did.</summary>
[TestFixture]
internal sealed class OpsetUpgradeTests
{
    private static IEnumerable<TestCaseData> Models()
    {
        yield return Case("Softmax of all behind an axis", 7, m => m.Node("Softmax", ["x"], ["y"], ("axis", 1L)));
        yield return Case("Softmax by default", 11, m => m.Node("Softmax", ["x"], ["y"]));
        yield return Case("Softmax of the last axis", 11, m => m.Node("Softmax", ["x"], ["y"], ("axis", 3L)));
        yield return Case("LogSoftmax", 9, m => m.Node("LogSoftmax", ["x"], ["y"], ("axis", 2L)));
        yield return Case("Hardmax", 12, m => m.Node("Hardmax", ["x"], ["y"], ("axis", 2L)));
        yield return Case("Slice", 9, m => m.Node("Slice", ["x"], ["y"], ("starts", (long[])[1, -3]), ("ends", (long[])[3, 100]), ("axes", (long[])[1, 3])));
        yield return Case("Slice without axes", 7, m => m.Node("Slice", ["x"], ["y"], ("starts", (long[])[0, 1]), ("ends", (long[])[2, 2])));
        yield return Case("Pad", 10, m => m.Node("Pad", ["x"], ["y"], ("pads", (long[])[0, 0, 1, 2, 0, 0, 0, 1]), ("value", 0.5f)));
        yield return Case("Clip", 10, m => m.Node("Clip", ["x"], ["y"], ("min", -0.25f), ("max", 0.5f)));
        yield return Case("Clip of one side", 7, m => m.Node("Clip", ["x"], ["y"], ("max", 0.5f)));
        yield return Case("Squeeze and Unsqueeze", 11, m => m.Node("Unsqueeze", ["x"], ["u"], ("axes", (long[])[0, 3])).Node("Squeeze", ["u"], ["y"], ("axes", (long[])[3])));
        yield return Case("ReduceSum", 11, m => m.Node("ReduceSum", ["x"], ["y"], ("axes", (long[])[1, 2]), ("keepdims", 0L)));
        yield return Case("ReduceMean", 11, m => m.Node("ReduceMean", ["x"], ["y"], ("axes", (long[])[1, 2])));
        yield return Case("Split", 11, m => m.Node("Split", ["x"], ["y", "z"], ("axis", 1L), ("split", (long[])[1, 2])));
        yield return Case("Upsample by an attribute", 7, m => m.Node("Upsample", ["x"], ["y"], ("scales", (float[])[1, 1, 2, 3])));
        yield return Case("Upsample by an input", 9, m => m.Initialiser(Floats("s", [4], 1, 1, 2, 2.5f)).Node("Upsample", ["x", "s"], ["y"], ("mode", "linear")));
        yield return Case("Resize", 10, m => m.Initialiser(Floats("s", [4], 1, 1, 2, 2.5f)).Node("Resize", ["x", "s"], ["y"]));
        yield return Case("Resize that shrinks", 10, m => m.Initialiser(Floats("s", [4], 1, 1, 0.5f, 2)).Node("Resize", ["x", "s"], ["y"], ("mode", "linear")));
        yield return Case("TopK", 9, m => m.Node("TopK", ["x"], ["y", "z"], ("k", 2L), ("axis", 3L)));
        yield return Case("Dropout", 7, m => m.Node("Dropout", ["x"], ["y"], ("ratio", 0.5f)));
        yield return Case("BatchNormalization", 7, m => m
            .Initialiser(Floats("g", [3], 1, 2, 3)).Initialiser(Floats("b", [3], 1, 0, -1)).Initialiser(Floats("m", [3], 0, 1, 2)).Initialiser(Floats("v", [3], 1, 2, 0.5f))
            .Node("BatchNormalization", ["x", "g", "b", "m", "v"], ["y"], ("spatial", 1L), ("momentum", 0.9f)));
    }

    [TestCaseSource(nameof(Models))]
    public void Model_ComputesWhatItDid(ModelBuilder model)
    {
        Compiler.Graph.Graph before = model.Graph();
        Network network = new(model.Model, new TensorReader("."));
        OpsetUpgrade.Run(network, value => value == "x" ? 4 : null);
        Assert.That(network.Opset, Is.EqualTo(13));
        Compiler.Graph.Graph after = model.Graph();
        Random random = new(1);
        TensorData x = TensorData.OfFloats([.. Enumerable.Range(0, 2 * 3 * 4 * 5).Select(_ => (float)((random.NextDouble() * 2) - 1))], 2, 3, 4, 5);
        foreach ((TensorData one, TensorData other) in GraphEvaluator.Run(before, [x]).Zip(GraphEvaluator.Run(after, [x]))) Tensors.AssertClose(other, one, 1e-6);
    }

    [Test]
    public void NewModel_StaysAsItIs()
    {
        ModelBuilder model = new ModelBuilder(17).Input("x", 2).Output("y").Node("Relu", ["x"], ["y"]);
        ModelProto before = model.Model.Clone();
        OpsetUpgrade.Run(new Network(model.Model, new TensorReader(".")), _ => null);
        Assert.That(model.Model, Is.EqualTo(before));
    }

    [Test]
    public void InitialisersThatAreInputsToo_AreInitialisersOnly()
    {
        ModelBuilder model = new ModelBuilder(7).Input("x", 2).Input("w", 2).Initialiser(Floats("w", [2], 1, 2)).Output("y").Node("Add", ["x", "w"], ["y"]);
        OpsetUpgrade.Run(new Network(model.Model, new TensorReader(".")), _ => null);
        Assert.That(model.Model.Graph.Input.Select(i => i.Name), Is.EqualTo(new[] { "x" }));
        Assert.That(model.Model.IrVersion, Is.GreaterThanOrEqualTo(7));
    }

    [Test]
    public void WhatHasNoForm_IsRefused()
    {
        Refuses(new ModelBuilder(6).Input("x", 2).Output("y").Node("Relu", ["x"], ["y"]));
        Refuses(new ModelBuilder(10).Input("x", 1, 1, 4, 4).Output("y").Initialiser(Floats("s", [4], 1, 1, 0.5f, 0.5f)).Node("Resize", ["x", "s"], ["y"]));

        static void Refuses(ModelBuilder model)
        {
            DiagnosticException refused = Assert.Throws<DiagnosticException>(() => OpsetUpgrade.Run(new Network(model.Model, new TensorReader(".")), _ => null))!;
            Assert.That(refused.Diagnostic.Descriptor, Is.EqualTo(DiagnosticTable.NotUpgraded));
        }
    }

    private static TestCaseData Case(string name, int opset, Func<ModelBuilder, ModelBuilder> build)
    {
        ModelBuilder model = build(new ModelBuilder(opset).Input("x", 2, 3, 4, 5).Output("y"));
        if (model.Model.Graph.Node.Any(n => n.Output.Contains("z"))) model.Output("z");
        return new TestCaseData(model).SetArgDisplayNames(name);
    }
}
