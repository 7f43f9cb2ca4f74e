using Lathe.Runtime.Plans;
using Lathe.Runtime.Simulation;

namespace Lathe.Runtime.Tests.Devices;

/// <summary>The simulated accelerator's profile and clock.</summary>
public sealed class SimulationTests
{
    [Test]
    public void Profile_IsReadFromTextOrAFile()
    {
        const string Text = """{ "gmacs": { "fp32": 100, "int8": 200 }, "efficiency": { "Conv": 0.5 }, "launch_us": 5, "bandwidth_gbs": 10, "transfer_us": 7, "transfer_gbs": 1, "memory_bytes": 1000, "requests": 32, "unsupported": ["Conv"], "faults": ["launch:3"] }""";
        SimulationProfile profile = SimulationProfile.Of(Text);
        Assert.That((profile.LaunchUs, profile.BandwidthGbs, profile.TransferUs, profile.TransferGbs, profile.MemoryBytes, profile.Requests), Is.EqualTo((5, 10, 7, 1, 1000, 32)));
        Assert.That((profile.Unsupported, profile.Faults), Is.EqualTo((new[] { "Conv" }, new[] { "launch:3" })));
        Assert.That((profile.RateOf("int8"), profile.ShareOf("Conv+Relu"), profile.RateOf("none")), Is.EqualTo((200, 0.5, 100)), "of none, the least");
        string file = Path.Combine(TestContext.CurrentContext.WorkDirectory, "sim.json");
        File.WriteAllText(file, $$"""{ "devices": [{ "device": "CPU", "gmacs": {} }, { "device": "SIM", "origin": "a test", "requests": 1, "launch_us": 9 }] }""");
        Assert.That(SimulationProfile.Of(file).LaunchUs, Is.EqualTo(9));
        Assert.That(SimulationProfile.Of(file).BandwidthGbs, Is.EqualTo(new SimulationProfile().BandwidthGbs));
    }

    [TestCase("{")]
    [TestCase("no such file")]
    [TestCase("""{ "lunch_us": 1 }""")]
    [TestCase("""{ "launch_us": -1 }""")]
    [TestCase("""{ "launch_us": "1" }""")]
    [TestCase("""{ "bandwidth_gbs": 0 }""")]
    [TestCase("""{ "gmacs": {} }""")]
    [TestCase("""{ "gmacs": 3 }""")]
    [TestCase("""{ "requests": 0 }""")]
    [TestCase("""{ "unsupported": "Conv" }""")]
    [TestCase("""{ "unsupported": [1] }""")]
    [TestCase("""{ "devices": 1 }""")]
    [TestCase("""{ "devices": [{}] }""")]
    [TestCase("""{ "faults": ["lunch:1"] }""")]
    [TestCase("""{ "faults": ["launch"] }""")]
    [TestCase("""{ "faults": ["launch:0"] }""")]
    [TestCase("""{ "faults": ["build:1"] }""")]
    public void Profile_ThatCannotBeRead_IsLathe0520(string text) =>
        Assert.That(() => SimulationProfile.Of(text), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.Simulation));

    [Test]
    public void Clock_SaysWhatTheProfileSays()
    {
        // Milliseconds each, beside which what the host does itself does not count.
        SimulationProfile profile = new() { LaunchUs = 20_000, TransferUs = 30_000 };
        using CompiledModel model = HeteroPlans.Model(PlanBuilder.Hetero(), profile);
        using InferRequest request = model.CreateRequest();
        Assert.That(request.SimulatedMs, Is.Null);
        double least = double.MaxValue;
        for (int i = 0; i < 5; i++)
        {
            request.Infer();
            least = Math.Min(least, request.SimulatedMs!.Value);
        }

        Assert.That(least, Is.EqualTo(30 + 20 + 30).Within(3), "two copies and a launch, one after the other");
    }

    [Test]
    public void Clock_OverlapsWhatTheHostDoes_WithTheDevice()
    {
        // x goes to the device and comes back after 60 ms; the host sleeps 40 ms meanwhile.
        PlanBuilder b = new();
        int x = b.Input("x", 4), y = b.Output("y", 4), t = b.Arena(64), there = b.Accelerator("SIM", 64);
        b.WeightBytes = 4;
        b.Steps.Add(PlanBuilder.Transfer("x", x, there, 16));
        b.Steps.Add(PlanBuilder.Transfer("x", there, t, 16));
        b.Steps.Add(b.Step("sleep", b.Kernel(TestKernels.Sleep), [1], y));
        b.Steps.Add(b.Step("add", b.Kernel(TestKernels.Add), [4], y, t, x));
        using CompiledModel model = HeteroPlans.Model(b.Build() with { Device = "HETERO:SIM,CPU" }, new SimulationProfile { TransferUs = 30_000 });
        using InferRequest request = model.CreateRequest();
        double least = double.MaxValue;
        for (int i = 0; i < 5; i++)
        {
            Assert.That(HeteroPlans.Infer(request, [1, 2, 3, 4]), Is.EqualTo(new float[] { 2, 4, 6, 8 }));
            least = Math.Min(least, request.SimulatedMs!.Value);
        }

        Assert.That(least, Is.EqualTo(60).Within(3));
    }

    [Test]
    public void Accelerator_MayRunAllSteps()
    {
        Plan plan = PlanBuilder.ScaleAdd() with { Device = "SIM" };
        SimulatedModel? device = null;
        using (CompiledModel model = HeteroPlans.Model(plan, opened: opened => device = opened))
        {
            using InferRequest request = model.CreateRequest();
            Assert.That(HeteroPlans.Infer(request, [1, 2, 3, 4, 5], [10, 20, 30, 40, 50]), Is.EqualTo(new float[] { 13, 26, 39, 52, 65 }));
            Assert.That(request.Ran.Devices, Is.EqualTo(new Dictionary<string, int> { ["SIM"] = 2 }));
            Assert.That(request.SimulatedMs, Is.GreaterThan(0.02));
        }

        Assert.That(device!.Held, Is.Zero);
    }

    [Test]
    public void Kernels_ForOtherMachines_AreRefused()
    {
        Plan plan = PlanBuilder.Hetero();
        plan = plan with { Kernels = [.. plan.Kernels.Select(k => k with { Variants = [k.Variants[0] with { Isa = Isa.Vector128 }] })] };
        Assert.That(() => HeteroPlans.Model(plan, options: new() { Isa = Isa.Vector128 }).Dispose(), Throws.Nothing);
        Assert.That(
            () => SimulatedModel.Load(new Lathe.Runtime.Devices.DeviceSetup(plan, 0, true, false, Isa.Avx2, 1) { Number = 1 }, TestKernels.Address),
            Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.Isa));
    }
}
