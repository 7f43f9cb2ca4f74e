using System.Diagnostics;
using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Passes;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Onnx.ModelBuilder;

namespace Lathe.Compiler.Tests.Onnx;

[TestFixture]
internal sealed class MalformedModelTests
{
    private static Diagnostic RefusedBytes(byte[] bytes)
    {
        using TemporaryDirectory directory = new();
        (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read(directory.Write("model.onnx", bytes), new CompileOptions());
        Assert.That(graph, Is.Null);
        return diagnostics.Single();
    }

    [Test]
    public void MissingFile_OrDirectory_IsRefused()
    {
        using TemporaryDirectory directory = new();
        foreach (string path in (string[])[Path.Combine(directory.Path, "none.onnx"), directory.Path, "", "\0"])
        {
            (_, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read(path, new CompileOptions());
            Assert.That(diagnostics.Single().Descriptor.Id, Is.EqualTo("LATHE0001"), path);
        }
    }

    [Test]
    [Platform("Linux")]
    public void Device_IsRefused_WithoutWaiting()
    {
        (_, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read("/dev/zero", new CompileOptions());
        Assert.That(diagnostics.Single().Descriptor.Id, Is.EqualTo("LATHE0002"));
    }

    [Test]
    public void WhatIsNoModel_IsRefused()
    {
        Assert.That(RefusedBytes([]).Descriptor.Id, Is.EqualTo("LATHE0002"));
        Assert.That(RefusedBytes("<html>not found</html>"u8.ToArray()).Descriptor.Id, Is.EqualTo("LATHE0002"));
        Assert.That(RefusedBytes([.. Enumerable.Repeat((byte)0xFF, 1000)]).Descriptor.Id, Is.EqualTo("LATHE0002"));
        Assert.That(RefusedBytes(new ModelProto { IrVersion = 8 }.ToByteArray()).Descriptor.Id, Is.EqualTo("LATHE0002"));
    }

    [Test]
    public void TruncatedFile_IsRefused_WhereverItEnds()
    {
        byte[] bytes = SmallModel().Model.ToByteArray();
        using TemporaryDirectory directory = new();
        for (int length = 1; length < bytes.Length; length += 7)
        {
            (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) =
                OnnxFrontEnd.Read(directory.Write("model.onnx", bytes[..length]), new CompileOptions());
            Assert.That(graph is null ? diagnostics.Count : 1, Is.EqualTo(1), $"{length} bytes");
        }
    }

    [Test]
    public void DeepNesting_IsRefused()
    {
        GraphProto graph = new() { Name = "innermost" };
        graph.Node.Add(MakeNode("Relu", ["x"], ["y"]));
        for (int i = 0; i < 200; i++)
        {
            GraphProto outer = new();
            outer.Node.Add(MakeNode("If", ["c"], ["y"], ("then_branch", graph)));
            graph = outer;
        }

        Assert.That(RefusedBytes(new ModelProto { Graph = graph }.ToByteArray()).Descriptor.Id, Is.EqualTo("LATHE0002"));
    }

    [Test]
    public void Circle_IsRefused() =>
        new ModelBuilder().Input("x", 2).Output("y").Node("Add", ["x", "b"], ["a"]).Node("Relu", ["a"], ["b"]).Node("Neg", ["b"], ["y"])
            .Refused("LATHE0003", "depends on its own output");

    [Test]
    public void NodeThatReadsItself_IsRefused() =>
        new ModelBuilder().Input("x", 2).Output("y").Node("Add", ["x", "y"], ["y"]).Refused("LATHE0003", "depends on its own output");

    [Test]
    public void MissingInput_IsRefused_NamingNodeAndInput()
    {
        Diagnostic diagnostic = new ModelBuilder().Input("x", 2).Output("y").Node("Add", ["x", "nothing"], ["y"]).Refused("LATHE0003", "'nothing'");
        Assert.That(diagnostic.Node, Is.EqualTo("Add_y"));
    }

    [Test]
    public void MissingOutput_IsRefused() => new ModelBuilder().Input("x", 2).Output("z").Node("Relu", ["x"], ["y"]).Refused("LATHE0003", "'z'");

    [Test]
    public void NoOutputs_AreRefused() => new ModelBuilder().Input("x", 2).Node("Relu", ["x"], ["y"]).Refused("LATHE0003", "no outputs");

    [Test]
    public void NamesThatStandForTwoValues_AreRefused()
    {
        new ModelBuilder().Input("x", 2).Output("y").Node("Relu", ["x"], ["y"]).Node("Neg", ["x"], ["y"]).Refused("LATHE0003", "two values");
        new ModelBuilder().Input("x", 2).Output("x").Node("Relu", ["x"], ["x"]).Refused("LATHE0003");
        new ModelBuilder().Input("x", 2).Input("x", 2).Output("y").Node("Relu", ["x"], ["y"]).Refused("LATHE0003", "two values");
        new ModelBuilder().Input("x", 2).Output("y").Node("Add", ["x", "c"], ["y"]).Initialiser(Floats("c", [1], 1)).Initialiser(Floats("c", [1], 2))
            .Refused("LATHE0003", "two values");
        new ModelBuilder().Input("x", 2).Output("y", "y").Node("Relu", ["x"], ["y"]).Refused("LATHE0003", "two outputs");
    }

    [Test]
    public void WrongNumberOfInputsOrOutputs_IsRefused()
    {
        new ModelBuilder().Input("x", 2).Output("y").Node("Relu", ["x", "x"], ["y"]).Refused("LATHE0003", "2 inputs");
        new ModelBuilder().Input("x", 2).Output("y").Node("Add", ["x"], ["y"]).Refused("LATHE0003", "1 inputs");
        new ModelBuilder().Input("x", 2).Output("y").Node("Relu", ["x"], ["y", "z"]).Refused("LATHE0003", "2 outputs");
    }

    [Test]
    public void Attributes_OfAnotherKind_AreRefused()
    {
        new ModelBuilder().Input("x", 2).Output("y").Node("LeakyRelu", ["x"], ["y"], ("alpha", "text")).Refused("LATHE0005", "alpha");
        new ModelBuilder().Input("x", 2).Output("y").Node("LeakyRelu", ["x"], ["y"], ("alpha", 1f), ("alpha", 1f)).Refused("LATHE0005", "twice");
        ModelBuilder model = new ModelBuilder().Input("x", 2).Output("y").Node("LeakyRelu", ["x"], ["y"]);
        model.Model.Graph.Node[0].Attribute.Add(Reference("alpha", "outer", AttributeProto.Types.AttributeType.Float));
        model.Refused("LATHE0005", "function");
    }

    [Test]
    public void Opsets_OutOfRange_AreRefused() =>
        new ModelBuilder(OpsetTable.Newest + 1).Input("x", 2).Output("y").Node("Relu", ["x"], ["y"]).Refused("LATHE0009", "newest");

    [Test]
    public void NoOpset_IsRefused()
    {
        ModelBuilder model = new ModelBuilder(0).Input("x", 2).Output("y").Node("Relu", ["x"], ["y"]);
        model.Refused("LATHE0003", "no version");
        model.Model.OpsetImport.Add(new OperatorSetIdProto { Version = 0 });
        model.Refused("LATHE0009", "no such version");
        model.Model.OpsetImport[0].Version = long.MaxValue;
        model.Refused("LATHE0009", "no such version");
    }

    [Test]
    public void Inputs_ThatAreNoTensors_AreRefused()
    {
        ModelBuilder sequence = new ModelBuilder().Output("y").Node("Relu", ["x"], ["y"]);
        sequence.Model.Graph.Input.Add(new ValueInfoProto { Name = "x", Type = new TypeProto { SequenceType = new TypeProto.Types.Sequence() } });
        sequence.Refused("LATHE0008", "sequence");
        ModelBuilder none = new ModelBuilder().Output("y").Node("Relu", ["x"], ["y"]);
        none.Model.Graph.Input.Add(new ValueInfoProto { Name = "x" });
        none.Refused("LATHE0003", "no type");
        new ModelBuilder().Input("x", (ElementType)17, 2).Output("y").Node("Relu", ["x"], ["y"]).Refused("LATHE0008", "float8");
    }

    [Test]
    public void HugeDims_AreRefused()
    {
        new ModelBuilder().Input("x", long.MaxValue, 2).Output("y").Node("Relu", ["x"], ["y"]).Refused("LATHE0102");
        new ModelBuilder().Input("x", 1L << 41).Output("y").Node("Relu", ["x"], ["y"]).Refused("LATHE0102");
        ModelBuilder growing = new ModelBuilder().Input("v0", "N", 8).Output("v70");
        for (int i = 0; i < 70; i++) growing.Node("Concat", [$"v{i}", $"v{i}"], [$"v{i + 1}"], ("axis", 0L));
        growing.Refused("LATHE0102");
    }

    [Test]
    public void DimsWhoseProductExplodes_AreRefusedInTime()
    {
        // Each dim is a sum of three symbols: the product of forty of them has 3^40 terms.
        ModelBuilder model = new ModelBuilder().Output("y");
        string before = "";
        for (int axis = 0; axis < 40; axis++)
        {
            // A vector of length a + b + c, one axis further on; then the product with what is there.
            foreach (char part in "abc") model.Input($"{part}{axis}", $"{part}{axis}");
            model.Node("Concat", [$"a{axis}", $"b{axis}", $"c{axis}"], [$"v{axis}"], ("axis", 0L));
            model.Node("Unsqueeze", [$"v{axis}", $"axes{axis}"], [$"u{axis}"]);
            model.Initialiser(Int64s($"axes{axis}", [.. Enumerable.Range(1, 39 - axis).Select(a => (long)a)]));
            if (axis > 0) model.Node("Mul", [before, $"u{axis}"], [$"m{axis}"]);
            before = axis == 0 ? "u0" : $"m{axis}";
        }

        model.Node("Flatten", [before], ["y"]);
        Stopwatch time = Stopwatch.StartNew();
        model.Refused("LATHE0102");
        Assert.That(time.Elapsed, Is.LessThan(TimeSpan.FromSeconds(60)));
    }

    [Test]
    public void RandomMutants_GiveAGraphOrADiagnostic()
    {
        byte[] bytes = SmallModel().Model.ToByteArray();
        using TemporaryDirectory directory = new();
        Random random = new(20240);
        int refused = 0;
        for (int mutant = 0; mutant < 400; mutant++)
        {
            byte[] mutated = Mutate(bytes, random);
            string path = directory.Write("model.onnx", mutated);
            (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read(path, new CompileOptions());
            if (graph is null)
            {
                refused++;
                Assert.That(diagnostics, Is.Not.Empty);
                continue;
            }

            Compiler.Graph.Graph normal = Pipeline.RunNormalise(graph, new PassContext(new CompileOptions { Verify = true }));
            Assert.That(GraphPrinter.Print(normal), Is.Not.Empty);
        }

        // A test that never gets past the parser, or never fails, would test nothing.
        Assert.That(refused, Is.InRange(50, 399));
    }

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        List<byte> mutated = [.. bytes];
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(mutated.Count);
            switch (random.Next(4))
            {
                case 0: mutated[at] = (byte)random.Next(256); break;
                case 1: mutated[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: mutated.RemoveAt(at); break;
                default: mutated.Insert(at, (byte)random.Next(256)); break;
            }
        }

        return [.. mutated];
    }

    private static ModelBuilder SmallModel()
    {
        ModelBuilder model = new ModelBuilder(12).Input("x", "N", 2, 6, 6).Output("y")
            .Node("Conv", ["x", "w", "b"], ["c"], ("pads", new long[] { 1, 1, 1, 1 }), ("strides", new long[] { 2, 2 }), ("kernel_shape", new long[] { 3, 3 }))
            .Node("Clip", ["c", "low", "high"], ["r"])
            .Node("MaxPool", ["r"], ["p"], ("kernel_shape", new long[] { 2, 2 }), ("auto_pad", "SAME_UPPER"))
            .Node("Transpose", ["p"], ["t"], ("perm", new long[] { 0, 2, 3, 1 }))
            .Node("Reshape", ["t", "shape"], ["f"])
            .Node("Gemm", ["f", "m"], ["g"], ("transB", 1L), ("alpha", 0.5f))
            .Node("Softmax", ["g"], ["y"], ("axis", 1L));
        return model
            .Initialiser(Floats("w", [3, 2, 3, 3], [.. Enumerable.Range(0, 54).Select(i => i * 0.01f)]))
            .Initialiser(Floats("b", [3], 1, 2, 3))
            .Initialiser(Floats("low", [], 0))
            .Initialiser(Floats("high", [], 6))
            .Initialiser(Int64s("shape", 0, -1))
            .Initialiser(Floats("m", [2, 27], [.. Enumerable.Range(0, 54).Select(i => i * 0.02f)]));
    }
}
