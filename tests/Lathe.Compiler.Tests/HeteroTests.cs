using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Passes;
using Lathe.Compiler.Placement;
using Lathe.Compiler.Tests.Onnx;
using Lathe.Compiler.Tests.Quantization;
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
    public void Random_Networks_ByCost([Range(0, 9)] int seed)
    {
        RandomNetwork network = new(seed);
        // Cheap enough for small steps to be worth it.
        Check(network.Model.Graph(), Simulated with { DeviceProfiles = Profiles("""{ "device": "SIM", "launch_us": 0.1, "transfer_us": 0.1 }""") }, out _, network.Sample());
    }

    [Test]
    public void Random_Networks_ByPriority([Range(0, 4)] int seed)
    {
        RandomNetwork network = new(seed);
        RunCounts ran = Check(network.Model.Graph(), Simulated with { Affinity = Partitioner.Priority }, out CompileReport report, network.Sample());
        Assert.That(ran.Devices["SIM"], Is.EqualTo(report.Groups.Count(g => g.Device == "SIM")).And.GreaterThan(0));
    }

    [Test]
    public void Random_Networks_WithRandomRules([Range(0, 9)] int seed)
    {
        RandomNetwork network = new(seed);
        ModelGraph graph = network.Model.Graph();
        Check(graph, Simulated with { AffinityRules = RandomRules(graph, seed, "SIM", "CPU") }, out _, network.Sample());
    }

    [Test]
    public void Random_Networks_WithRandomRules_OnThreeDevices([Range(0, 1)] int seed)
    {
        NeedsAnOpenClDevice();
        RandomNetwork network = new(seed);
        ModelGraph graph = network.Model.Graph();
        RunCounts ran = Check(graph, new() { Device = "HETERO:SIM,GPU,CPU", AffinityRules = RandomRules(graph, seed, "SIM", "GPU", "CPU") }, out _, network.Sample());
        Assert.That(ran.Devices.Keys, Is.EquivalentTo(new[] { "SIM", "GPU", "CPU" }));
    }

    /// <summary>A random device for each node.</summary>
    private static string RandomRules(ModelGraph graph, int seed, params string[] devices)
    {
        Random random = new(seed);
        return string.Join('\n', graph.TopologicalOrder().Where(n => n.Op is not (Input or Constant)).Select(n => graph.Names[n]).Distinct().Select(name => $"{name} = {devices[random.Next(devices.Length)]}"));
    }

    private static IReadOnlyDictionary<string, DeviceProfile> Profiles(string devices) => DeviceProfileFormat.Parse($$"""{ "devices": [ {{devices}} ] }""");

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
