using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Placement;
using Lathe.Runtime;
using Lathe.Runtime.OpenCl;
using Lathe.Runtime.Plans;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>
/// Real networks on several devices against the CPU alone. A few cases are part of every run; the whole of it (<c>--filter TestCategory=HeteroSweep</c>) takes hours with OpenCL, and less for a part:
/// <c>LATHE_SWEEP_DEVICES</c> is the list of devices (HETERO:GPU,CPU), <c>LATHE_SWEEP_SEEDS</c> how many seeds (100), <c>LATHE_SWEEP_FIRST</c> the first of them (0).
/// </summary>
public sealed class HeteroModelTests
{
    private static readonly string[] Models = ["squeezenet1.0_fp32", "mobilenetv2_1.0_224_fp32", "yolox_nano", "deeplabv3_mnv2_dm05_fp32"];

    /// <summary>Operators that a restricted accelerator lacks: ten.</summary>
    private const string Restricted =
        """{ "devices": [ { "device": "SIM", "unsupported": ["Relu", "Clip", "Concat", "MaxPool", "Sigmoid", "Add", "Resize", "Softmax", "GlobalAveragePool", "Reshape"] }, { "device": "GPU", "unsupported": ["Relu", "Clip", "Concat", "MaxPool", "Sigmoid", "Add", "Resize", "Softmax", "GlobalAveragePool", "Reshape"] } ] }""";

    private static string SweepDevices => Environment.GetEnvironmentVariable("LATHE_SWEEP_DEVICES") ?? "HETERO:GPU,CPU";

    private static Isa Isa => Enum.GetValues<Isa>().Where(isa => isa.IsAvailable()).Max();

    [Test]
    public void A_network_with_a_device_for_each_node() => Check("squeezenet1.0_fp32", [("seed 0", options => options with { Device = "HETERO:SIM,CPU" }, 0)]);

    [Test]
    [Explicit("takes minutes a model with OpenCL")]
    [Category("HeteroSweep")]
    public void Networks_ByCost_AndByPriorityWithoutTenOperators([ValueSource(nameof(Models))] string model)
    {
        IReadOnlyList<int> subgraphs = Check(
            model,
            [
                ("cost", options => options with { Device = SweepDevices }, null),
                ("priority", options => options with { Device = SweepDevices, Affinity = Partitioner.Priority, DeviceProfiles = DeviceProfileText.Parse(Restricted) }, null),
            ]);
        Assert.That(subgraphs[0], Is.LessThanOrEqualTo(subgraphs[1]));
    }

    [Test]
    [Explicit("takes hours with OpenCL")]
    [Category("HeteroSweep")]
    public void Networks_WithADeviceForEachNode([ValueSource(nameof(Models))] string model)
    {
        Check(model, [.. Enumerable.Range(Number("LATHE_SWEEP_FIRST", 0), Number("LATHE_SWEEP_SEEDS", 100)).Select(seed => ($"seed {seed}", (Func<CompileOptions, CompileOptions>)(options => options with { Device = SweepDevices }), (int?)seed))]);
    }

    private static int Number(string variable, int otherwise) => Environment.GetEnvironmentVariable(variable) is { } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : otherwise;

    /// <summary>Compiles a model in several ways, runs each, and compares it with the CPU alone.</summary>
    /// <returns>How many subgraphs each way has.</returns>
    private static IReadOnlyList<int> Check(string model, IReadOnlyList<(string Name, Func<CompileOptions, CompileOptions> Options, int? Seed)> ways)
    {
        string path = Path.Combine(Places.Shared("models", model), "model.onnx");
        CompileOptions plain = new() { Isas = [Isa], EmbedWeightsUpTo = long.MaxValue };
        ModelGraph graph = OnnxFrontEnd.Read(path, plain).Graph!;
        using CompiledGraph alone = new(graph, isa: Isa, options: plain);
        TensorData[] inputs = [.. alone.Model.Info.Inputs.Select((input, i) => Fill(input, alone.Request.InputShape(i).ToArray()))];
        TensorData[] expected = alone.Run(inputs);
        List<int> subgraphs = [];
        foreach ((string name, Func<CompileOptions, CompileOptions> change, int? seed) in ways)
        {
            CompileOptions options = change(plain);
            IReadOnlyList<string> devices = DeviceList.Parse(options.Device);
            if (devices.Contains("GPU") && OpenClDevice.All().Count == 0) Assert.Ignore("There is no OpenCL device (apt-get install pocl-opencl-icd ocl-icd-libopencl1).");
            if (seed is { } given) options = options with { AffinityRules = RandomRules(graph, given, devices) };
            using CompiledGraph together = new(graph, isa: Isa, options: options);
            TensorData[] actual = together.Run(inputs);
            for (int i = 0; i < expected.Length; i++) Tensors.AssertClose(actual[i], expected[i], 1e-4);
            RunCounts ran = together.Request.Ran;
            PlacementReport report = together.Report.Placement!;
            TestContext.Out.WriteLine($"{model} {options.Device} {name}: {string.Join(", ", ran.Devices.Select(d => $"{d.Key} {d.Value}"))}; {report.Subgraphs.Count} subgraphs, {report.PredictedMs:F3} ms predicted");
            Assert.That(ran.Fallbacks, Is.Empty);
            if (seed is not null) Assert.That(ran.Devices.Keys, Is.EquivalentTo(devices));
            else Assert.That(ran.Devices.Keys, Has.Some.Not.EqualTo("CPU"));
            subgraphs.Add(report.Subgraphs.Count);
        }

        return subgraphs;
    }

    private static TensorData Fill(TensorInfo input, long[] dims)
    {
        TensorData data = TensorData.Zeros(input.Type, dims);
        PseudoRandomFill.Fill(data.Bytes, input.Type, input.Name, 1);
        return data;
    }

    private static string RandomRules(ModelGraph graph, int seed, IReadOnlyList<string> devices)
    {
        Random random = new(seed);
        return string.Join('\n', graph.TopologicalOrder().Where(n => n.Op is not (Input or Constant) && n.Op.Bodies.Count == 0 && n.Op.Role != OpRole.Opaque)
            .Select(n => graph.Names[n]).Distinct().Select(name => $"{name} = {devices[random.Next(devices.Count)]}"));
    }
}
