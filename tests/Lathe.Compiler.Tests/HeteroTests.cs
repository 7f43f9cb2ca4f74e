using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Passes;
using Lathe.Compiler.Placement;
using Lathe.Compiler.Tests.Onnx;
using Lathe.Compiler.Tests.Quantization;
using Lathe.Runtime.Devices;
using Lathe.Runtime;
using Lathe.Runtime.OpenCl;
using Lathe.Runtime.Plans;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>Graphs on several devices, through the whole compiler and the runtime, against what the CPU computes alone.</summary>
public sealed class HeteroTests
{
    private static readonly CompileOptions Simulated = new() { Device = "HETERO:SIM,CPU" };

    [Test]
    public void Random_Networks_ByCost([Range(0, 2)] int seed)
    {
        RandomNetwork network = new(seed);
        // Cheap enough for small steps to be worth it.
        Check(network.Model.Graph(), Simulated with { DeviceProfiles = Profiles("""{ "device": "SIM", "launch_us": 0.1, "transfer_us": 0.1 }""") }, out _, network.Sample());
    }

    [Test]
    public void Random_Networks_ByPriority([Values(4)] int seed)
    {
        RandomNetwork network = new(seed);
        RunCounts ran = Check(network.Model.Graph(), Simulated with { Affinity = Partitioner.Priority }, out CompileReport report, network.Sample());
        Assert.That(ran.Devices["SIM"], Is.EqualTo(report.Groups.Count(g => g.Device == "SIM")).And.GreaterThan(0));
    }

    [Test]
    public void Random_Networks_WithRandomRules([Range(6, 8)] int seed)
    {
        RandomNetwork network = new(seed);
        ModelGraph graph = network.Model.Graph();
        Check(graph, Simulated with { AffinityRules = RandomRules(graph, seed, "SIM", "CPU") }, out _, network.Sample());
    }

    [Test]
    public void Random_Networks_WithRandomRules_OnThreeDevices([Values(10)] int seed)
    {
        NeedsAnOpenClDevice();
        RandomNetwork network = new(seed);
        ModelGraph graph = network.Model.Graph();
        RunCounts ran = Check(graph, new() { Device = "HETERO:SIM,GPU,CPU", AffinityRules = RandomRules(graph, seed, "SIM", "GPU", "CPU") }, out _, network.Sample());
        Assert.That(ran.Devices.Keys, Is.EquivalentTo(new[] { "SIM", "GPU", "CPU" }));
    }

    [Test]
    public void Branches_Loops_AndRoutines_StayOnTheCpu()
    {
        // x → Relu → TopK → Relu → y: a routine between kernels.
        ModelGraph graph = new ModelBuilder(17).Input("x", 4, 32).Output("y").Initialiser(ModelBuilder.Int64s("k", 5))
            .Node("Relu", ["x"], ["a"]).Node("TopK", ["a", "k"], ["b", "i"]).Node("Neg", ["b"], ["c"]).Node("Exp", ["c"], ["y"]).Graph();
        RunCounts ran = Check(graph, Simulated with { Affinity = Partitioner.Priority }, out CompileReport report, RandomTensor.Of(ElementType.Float32, 1, 4, 32));
        Assert.That(ran.Devices, Is.EqualTo(new Dictionary<string, int> { ["SIM"] = 2, ["CPU"] = 1 }));
        Assert.That(report.Placement!.Subgraphs.Select(s => s.Device), Is.EqualTo(new[] { "SIM", "CPU", "SIM" }));
        Assert.That(report.Placement.Subgraphs[1].Reason, Does.Contain("TopK has no kernel"));
        Refused(graph, "LATHE0234", "TopK", Simulated with { AffinityRules = "op:TopK = SIM" });
        Refused(graph, "LATHE0234", "TopK", Simulated with { AffinityRules = "/./ = SIM" });
    }

    [Test]
    public void Dims_ThatDataDetermine_StayOnTheCpu()
    {
        ModelGraph graph = DataDependentShapeTests.Build(
            [("x", ElementType.Float32, [4, 6]), ("shape", ElementType.Int64, [3])],
            (g, v) => g.Add(new Compiler.Operators.Elementwise.Exp(), g.Add(new Compiler.Operators.Elementwise.Relu(), DataDependentShapeTests.Import(g, "Reshape", 14, g.Add(new Compiler.Operators.Elementwise.Relu(), v[0]), v[1]))));
        using CompiledGraph compiled = new(graph, options: Simulated with { Affinity = Partitioner.Priority });
        foreach (long[] shape in (long[][])[[2, 3, 4], [-1, 1, 3], [24, 1, 1]])
            DataDependentShapeTests.Compare(compiled, graph, DataDependentShapeTests.Random(4, 6), TensorData.OfInt64s(shape));
        // What computes the shape, and what comes before it, has dims that are known.
        Assert.That(compiled.Report.Groups.Where(g => g.Op.Contains("Exp")), Has.All.Property("Device").EqualTo("CPU"));
        Assert.That(compiled.Request.Ran.Devices["SIM"], Is.GreaterThan(0));
    }

    [Test]
    public void Outputs_ThatAreConstant_StayOnTheCpu()
    {
        ModelGraph graph = new ModelBuilder(17).Input("x", 3, 4).Output("y", "z").Node("Shape", ["x"], ["y"]).Node("Exp", ["x"], ["z"]).Graph();
        RunCounts ran = Check(graph, Simulated with { Affinity = Partitioner.Priority }, out _, RandomTensor.Of(ElementType.Float32, 1, 3, 4));
        Assert.That(ran.Devices, Is.EqualTo(new Dictionary<string, int> { ["SIM"] = 1, ["CPU"] = 1 }));
    }

    [Test]
    public void Rules_AndProfiles_KeepOperatorsApart()
    {
        ModelGraph graph = new ModelBuilder(17).Input("x", 1, 16, 12, 12).Output("y").Initialiser(ModelBuilder.Floats("w", [16, 16, 3, 3], [.. Enumerable.Range(0, 16 * 16 * 9).Select(i => (i % 7 - 3) / 10f)]))
            .Node("Conv", ["x", "w"], ["a"], ("pads", (long[])[1, 1, 1, 1])).Node("Relu", ["a"], ["b"]).Node("Conv", ["b", "w"], ["y"], ("pads", (long[])[1, 1, 1, 1])).Graph();
        TensorData x = RandomTensor.Of(ElementType.Float32, 1, 1, 16, 12, 12);
        CompileOptions priority = Simulated with { Affinity = Partitioner.Priority };
        Check(graph, priority, out CompileReport joined, x);
        Assert.That(joined.Groups.Where(g => g.Op.Contains("Conv")), Has.All.Property("Device").EqualTo("SIM"));
        Assert.That(joined.Groups.Select(g => g.Op), Has.Some.Contains("+Relu"));
        foreach (CompileOptions apart in (CompileOptions[])[priority with { DeviceProfiles = Profiles("""{ "device": "SIM", "unsupported": ["Relu"] }""") }, Simulated with { AffinityRules = "/./ = SIM\nRelu_b = CPU" }])
        {
            Check(graph, apart, out CompileReport report, x);
            Assert.That(report.Groups.Where(g => g.Op.Contains("Relu")).Select(g => (g.Op, g.Device)), Is.EqualTo(new[] { ("Relu", "CPU") }));
            Assert.That(report.Placement!.Subgraphs, Has.Count.EqualTo(3));
            Assert.That(report.Placement.Advice, Has.Some.Contains("Coarsen here"));
        }

        Refused(graph, "LATHE0234", "excludes Relu", Simulated with { AffinityRules = "op:Relu = SIM", DeviceProfiles = Profiles("""{ "device": "SIM", "unsupported": ["Relu"] }""") });
    }

    [Test]
    public void Bytes_StayWhereThePrecisionIs()
    {
        ModelGraph graph = new ModelBuilder(17).Input("x", 4, 64).Output("y").Initialiser(ModelBuilder.Floats("w", [64, 8], [.. Enumerable.Range(0, 512).Select(i => (i % 7 - 3) / 10f)]))
            .Node("MatMul", ["x", "w"], ["a"]).Node("Relu", ["a"], ["y"]).Graph();
        PassContext context = new(Simulated with { Affinity = Partitioner.Priority, Precision = "fp16", DeviceProfiles = Profiles("""{ "device": "SIM", "gmacs": { "fp32": 100 } }""") });
        CompiledOutput compiled = Compilation.Compile(graph, "Tests.Subject", "model", "", context);
        Assert.That(context.Diagnostics.Select(d => d.Descriptor.Id), Has.Member("LATHE0235"));
        Assert.That(compiled.Report.Groups.Where(g => g.Precision == "fp16"), Has.All.Property("Device").EqualTo("CPU"));
        Refused(graph, "LATHE0234", "no fp16", context.Options with { AffinityRules = "op:MatMul = SIM" });
    }

    [Test]
    public void Random_Networks_WithSixteenBitsOnADevice([Range(0, 3)] int seed)
    {
        RandomNetwork network = new(seed);
        ModelGraph graph = network.Model.Graph();
        CompileOptions options = Simulated with { AffinityRules = RandomRules(graph, seed, "SIM", "CPU"), DevicePrecisions = Precisions(seed % 2 == 0 ? "SIM=fp16" : "SIM=bf16,CPU=fp32") };
        using CompiledGraph alone = new(graph), together = new(graph, options: options);
        TensorData sample = network.Sample();
        TensorData[] expected = alone.Run(sample), actual = together.Run(sample);
        for (int i = 0; i < expected.Length; i++) Tensors.AssertClose(actual[i], expected[i], seed % 2 == 0 ? 1e-2 : 8e-2);
        Assert.That(together.Request.Ran.Devices.Keys, Is.EquivalentTo(new[] { "SIM", "CPU" }));
    }

    /// <summary>Small integers, which 16 bits hold: what is stored so changes nothing, and half the bytes are copied.</summary>
    [TestCase("SIM=fp16")]
    [TestCase("SIM=fp16,CPU=fp32")]
    [TestCase("SIM=bf16")]
    public void Boundaries_AreCrossedInSixteenBits(string precision)
    {
        // CPU → SIM → CPU, each reading what the other gives, and an output from the middle, which is float32.
        ModelGraph graph = new ModelBuilder(17).Input("x", 1, 16, 6, 6).Output("y", "b").Initialiser(ModelBuilder.Floats("w", [16, 16, 3, 3], [.. Enumerable.Range(0, 16 * 16 * 9).Select(i => i % 29 == 0 ? 1f : 0f)]))
            .Node("Relu", ["x"], ["a"]).Node("Conv", ["a", "w"], ["b"], ("pads", (long[])[1, 1, 1, 1])).Node("Relu", ["b"], ["c"]).Node("Conv", ["c", "w"], ["d"], ("pads", (long[])[1, 1, 1, 1])).Node("Neg", ["d"], ["y"]).Graph();
        CompileOptions options = Simulated with { Winograd = false, AffinityRules = "op:Conv = SIM\nop:Relu = CPU\nop:Neg = CPU" };
        TensorData x = TensorData.OfFloats([.. Enumerable.Range(0, 16 * 36).Select(i => (float)((i % 5) - 2))], 1, 16, 6, 6);
        using CompiledGraph wide = new(graph, options: options), narrow = new(graph, options: options with { DevicePrecisions = Precisions(precision) });
        TensorData[] expected = wide.Run(x), actual = narrow.Run(x);
        for (int i = 0; i < expected.Length; i++) Assert.That(actual[i].Bytes.SequenceEqual(expected[i].Bytes), Is.True);
        CompileSubgraph[] before = [.. wide.Report.Placement!.Subgraphs], after = [.. narrow.Report.Placement!.Subgraphs];
        Assert.That(after.Where(s => s.Device == "SIM").Select(s => s.Precision), Has.All.EqualTo(precision[4..8]).And.Exactly(2).Items);
        // Of b, which is an output, all bytes are copied.
        long output = 16 * 36 * 4;
        Assert.That(after.Sum(s => s.TransferBytes) - output, Is.EqualTo((before.Sum(s => s.TransferBytes) - output) / 2));
        Assert.That(narrow.Report.WeightBytes, Is.EqualTo(wide.Report.WeightBytes / 2));
    }

    [Test]
    public void Bytes_StayOnTheCpu_BesideSixteenBitsOnADevice()
    {
        ModelGraph graph = new ModelBuilder(17).Input("x", 4, 64).Output("y")
            .Initialiser(ModelBuilder.Floats("w", [64, 64], [.. Enumerable.Range(0, 4096).Select(i => ((i % 7) - 3) / 10f)])).Initialiser(ModelBuilder.Floats("s", [], [0.05f])).Initialiser(ModelBuilder.Floats("t", [], [0.01f]))
            .Initialiser(new TensorProto { Name = "v", DataType = (int)ElementType.Int8, Dims = { 64, 64 }, RawData = Google.Protobuf.ByteString.CopyFrom([.. Enumerable.Range(0, 4096).Select(i => (byte)(sbyte)((i % 201) - 100))]) })
            .Node("QuantizeLinear", ["x", "s"], ["q"]).Node("DequantizeLinear", ["q", "s"], ["a"]).Node("DequantizeLinear", ["v", "t"], ["b"])
            .Node("MatMul", ["a", "b"], ["c"]).Node("Relu", ["c"], ["d"]).Node("MatMul", ["d", "w"], ["y"]).Graph();
        TensorData x = RandomTensor.Of(ElementType.Float32, 3, 4, 64);
        PassContext context = new(Simulated with { Affinity = Partitioner.Priority, Precision = "int8", DevicePrecisions = Precisions("SIM=fp16,CPU=int8") });
        Compilation.Compile(graph, "Tests.Subject", "model", "", context);
        Assert.That(context.Diagnostics.Where(d => d.Descriptor.Id == "LATHE0235").Select(d => d.Message), Has.Exactly(1).Contains("SIM does not compute in int8"));
        Refused(graph, "LATHE0234", "its precision is fp16, not int8", context.Options with { AffinityRules = "MatMul_c = SIM" });
        using CompiledGraph alone = new(graph), together = new(graph, options: context.Options);
        Tensors.AssertClose(together.Run(x)[0], alone.Run(x)[0], 5e-3);
        Assert.That(together.Report.Groups.Where(g => g.Op.Contains("MatMul")).Select(g => (g.Device, g.Precision)), Is.EqualTo(new[] { ("CPU", "int8"), ("SIM", "fp16") }));
        Assert.That(together.Request.Ran.Devices["SIM"], Is.GreaterThan(0));
    }

    [TestCase("GPU=fp16", "CPU", "needs several")]
    [TestCase("GPU=fp16", "GPU", "needs several")]
    [TestCase("GPU=fp16", "HETERO:SIM,CPU", "'GPU' is not one of SIM, CPU")]
    [TestCase("SIM=fp32,CPU=fp16", "HETERO:SIM,CPU", "weights that the CPU has in fp16 every device has so")]
    [TestCase("CPU=bf16", "HETERO:SIM,CPU", "and SIM is to have others")]
    [TestCase("SIM=int8,CPU=fp16", "HETERO:SIM,CPU", "weights that the CPU has in fp16 every device has so, and SIM is to have others")]
    public void Precisions_ThatDevicesCannotHave_AreRefused(string precision, string device, string why)
    {
        ModelGraph graph = new ModelBuilder(17).Input("x", 4, 64).Output("y").Node("Exp", ["x"], ["y"]).Graph();
        (string model, DevicePrecisions devices) = DevicePrecisions.Parse(precision);
        Refused(graph, "LATHE0007", why, new CompileOptions { Device = device, Precision = model, DevicePrecisions = devices });
    }

    [TestCase("fp64")]
    [TestCase("GPU=")]
    [TestCase("=fp16")]
    [TestCase("GPU=fp16,fp32")]
    [TestCase("GPU=fp16,GPU=fp32")]
    [TestCase("GPU=fp16;CPU=fp32")]
    [TestCase("")]
    public void Precisions_ThatAreMalformed_AreRefused(string text) => Assert.That(() => DevicePrecisions.Parse(text), Throws.TypeOf<FormatException>());

    [TestCase(1000, "SIM", "LATHE0237")]
    [TestCase(100, "CPU", null)]
    [TestCase(1000000, "SIM", null)]
    public void Memory_IsThatOfTheProfile(long bytes, string device, string? warning)
    {
        ModelGraph graph = new ModelBuilder(17).Input("x", 8, 16).Output("y").Initialiser(ModelBuilder.Floats("w", [16, 8], [.. Enumerable.Range(0, 128).Select(i => i / 128f)])).Node("MatMul", ["x", "w"], ["y"]).Graph();
        PassContext context = new(Simulated with { Affinity = Partitioner.Priority, DeviceProfiles = Profiles($$"""{ "device": "SIM", "memory_bytes": {{bytes}} }""") });
        Assert.That(Compilation.Compile(graph, "Tests.Subject", "model", "", context).Report.Groups.Select(g => g.Device), Has.All.EqualTo(device));
        Assert.That(context.Diagnostics.Select(d => d.Descriptor.Id), Is.EqualTo(warning is null ? [] : new[] { warning }));
    }

    [Test]
    public void Without_Fallback_TheGpusKernelsAreNotInCSharp()
    {
        ModelGraph graph = new ModelBuilder(17).Input("x", 4, 64).Output("y").Node("Exp", ["x"], ["y"]).Graph();
        CompileOptions options = new() { Device = "HETERO:GPU,CPU", Affinity = Partitioner.Priority, Isas = [Isa.Vector128] };
        Assert.That(Source(options), Does.Contain("Exp("));
        Assert.That(Source(options with { DeviceFallback = false }), Does.Not.Contain("Exp("));
        // The simulated accelerator runs the kernels of the CPU.
        Assert.That(Source(options with { Device = "HETERO:SIM,CPU", DeviceFallback = false }), Does.Contain("Exp("));

        string Source(CompileOptions of) => Compilation.Compile(graph, "Tests.Subject", "model", "", new PassContext(of)).Sources["Kernels.Vector128.cs"];
    }

    [Test]
    public void Predictions_AreWhatTheSimulatedAcceleratorTakes()
    {
        // A chain of convolutions: all of it is worth being there, where no time is the host's own.
        ModelBuilder model = new ModelBuilder(17).Input("x0", 1, 64, 28, 28).Output("x8").Initialiser(ModelBuilder.Floats("w", [64, 64, 3, 3], [.. Enumerable.Range(0, 64 * 64 * 9).Select(i => ((i % 7) - 3) / 100f)]));
        for (int i = 0; i < 8; i++) model.Node("Conv", [$"x{i}", "w"], [$"x{i + 1}"], ("pads", (long[])[1, 1, 1, 1]));
        using CompiledGraph compiled = new(model.Graph(), isa: Enum.GetValues<Isa>().Where(i => i.IsAvailable()).Max(), options: Simulated);
        PlacementReport report = compiled.Report.Placement!;
        Assert.That(report.Subgraphs.Select(s => s.Device), Is.EqualTo(new[] { "SIM" }));
        Assert.That(report.PredictedMs, Is.EqualTo(report.Alternatives.Min(a => a.Ms)));
        double least = double.PositiveInfinity;
        // Of the host's own time the least counts: the machine may be busy.
        for (int i = 0; i < 5; i++)
        {
            compiled.Run(RandomTensor.Of(ElementType.Float32, i, 1, 64, 28, 28));
            least = Math.Min(least, compiled.Request.SimulatedMs!.Value);
        }

        Assert.That(least, Is.EqualTo(report.PredictedMs).Within(20).Percent);
    }

    [Test]
    public void Options_ThatChangeTheModel_AreInTheirText()
    {
        string[] texts =
        [
            .. ((CompileOptions[])[Simulated, Simulated with { Affinity = Partitioner.Priority }, Simulated with { AffinityRules = "a = CPU" }, Simulated with { DeviceFallback = false }, Simulated with { RequireDevice = true },
                Simulated with { DeviceProfiles = Profiles("""{ "device": "SIM", "launch_us": 1 }""") }, Simulated with { DevicePrecisions = Precisions("SIM=fp16") }]).Select(o => o.CanonicalText()),
        ];
        Assert.That(texts, Is.Unique);
    }

    [Test]
    public void Drawings_EscapeTheNamesOfModels()
    {
        const string evil = "a\"]; <script>&\\\n\u0001";
        Drawing drawing = new(evil, [new([evil], "ffffff"), new(["b"], "ffffff")], [new(0, 1, true)]);
        string dot = DrawingText.Dot(drawing), svg = DrawingText.Svg(drawing);
        Assert.That(dot, Does.Contain("a\\\"]; <script>&\\\\").And.Not.Contain("\u0001"));
        Assert.That(System.Xml.Linq.XDocument.Parse(svg).Descendants().Select(e => e.Name.LocalName), Has.None.EqualTo("script"));
    }

    private static void Refused(ModelGraph graph, string id, string message, CompileOptions options)
    {
        DiagnosticException refused = Assert.Throws<DiagnosticException>(() => Compilation.Compile(graph, "Tests.Subject", "model", "", new PassContext(options)))!;
        Assert.That(refused.Diagnostic.Descriptor.Id, Is.EqualTo(id));
        Assert.That(refused.Diagnostic.Message, Does.Contain(message));
    }

    /// <summary>A random device for each node.</summary>
    private static string RandomRules(ModelGraph graph, int seed, params string[] devices)
    {
        Random random = new(seed);
        return string.Join('\n', graph.TopologicalOrder().Where(n => n.Op is not (Input or Constant)).Select(n => graph.Names[n]).Distinct().Select(name => $"{name} = {devices[random.Next(devices.Length)]}"));
    }

    private static DevicePrecisions Precisions(string text) => DevicePrecisions.Parse(text).Devices;

    private static IReadOnlyDictionary<string, DeviceProfile> Profiles(string devices) => DeviceProfileText.Parse($$"""{ "devices": [ {{devices}} ] }""");

    private static void NeedsAnOpenClDevice()
    {
        if (OpenClDevice.All().Count == 0) Assert.Ignore("There is no OpenCL device (apt-get install pocl-opencl-icd ocl-icd-libopencl1).");
    }

    /// <summary>Compiles a graph, runs it twice, and compares it with itself on the CPU.</summary>
    private static RunCounts Check(ModelGraph graph, CompileOptions options, out CompileReport report, params IReadOnlyList<TensorData> inputs)
    {
        using CompiledGraph alone = new(graph), together = new(graph, options: options);
        report = together.Report;
        for (int i = 0; i < 2; i++)
        {
            TensorData[] expected = alone.Run(inputs), actual = together.Run(inputs);
            for (int output = 0; output < expected.Length; output++) Tensors.AssertClose(actual[output], expected[output], 1e-5);
        }

        RunCounts ran = together.Request.Ran;
        Assert.That(ran.Fallbacks, Is.Empty);
        Assert.That(together.Model.Info.Warnings, Is.Empty);
        foreach (IGrouping<string, CompileGroup> device in report.Groups.GroupBy(g => g.Device)) Assert.That(ran.Devices[device.Key], Is.GreaterThanOrEqualTo(device.Count()), device.Key);
        return ran;
    }
}
