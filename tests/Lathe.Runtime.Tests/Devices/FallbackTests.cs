using Lathe.Runtime.Devices;
using Lathe.Runtime.Execution;
using Lathe.Runtime.Plans;
using Lathe.Runtime.Simulation;

namespace Lathe.Runtime.Tests.Devices;

/// <summary>Accelerators that are missing or fail at every step in turn.</summary>
public sealed class FallbackTests
{
    private static readonly float[] X = [1, 2, 3, 4, 5], Bias = [10, 20, 30, 40, 50];

    private static readonly float[] Expected = [.. X.Zip(Bias, (x, bias) => (9 * x) + (2 * bias))];

    private SimulatedModel? _device;

    /// <summary>Every fault with the error that it is; those that are of the load or a request come first.</summary>
    private static IEnumerable<object[]> Faults =>
    [
        ["build", ErrorIds.DeviceKernels],
        ["allocate", ErrorIds.DoesNotFit],
        .. Enumerable.Range(1, 1).Select(n => (object[])[$"launch:{n}", ErrorIds.DeviceFailed]),
        .. Enumerable.Range(1, 1).Select(n => (object[])[$"write:{n}", ErrorIds.DeviceFailed]),
        .. Enumerable.Range(1, 1).Select(n => (object[])[$"read:{n}", ErrorIds.DeviceFailed]),
        .. Enumerable.Range(1, 2).Select(n => (object[])[$"wait:{n}", ErrorIds.DeviceFailed]),
        .. Enumerable.Range(1, 8).Select(n => (object[])[$"lost:{n}", ErrorIds.DeviceFailed]),
    ];

    [TestCaseSource(nameof(Faults))]
    public void Cpu_StandsIn_WithTheRightResult_AndAWarning(string fault, string id)
    {
        int blocks = Blocks();
        using (CompiledModel model = Model(fault))
        {
            using (InferRequest request = model.CreateRequest())
            {
                float[] input = [.. X], output = new float[5];
                request.BindInput<float>("x", input);
                request.BindOutput<float>("y", output);
                request.SetInput<float>("bias", Bias);
                request.Infer();
                Assert.That(output, Is.EqualTo(Expected), "the memory that was bound stays bound");
                RunCounts ran = request.Ran;
                Assert.That(ran.Devices, Is.EqualTo(new Dictionary<string, int> { ["CPU"] = 6 }));
                Assert.That(ran.Fallbacks.Select(f => f.Node), Is.EqualTo(new[] { "second" }));
                Assert.That(ran.Fallbacks[0].Reason, Does.Contain("SIM").And.Contain("as it was told to"));
                Assert.That(model.Info.Warnings, Has.Count.EqualTo(1).And.One.Contains("The CPU stands in for SIM"));
                // What has no memory for one request may have it for the next.
                if (id != ErrorIds.DoesNotFit) Assert.That(model.Info.Fallbacks.Select(f => f.Node), Is.EqualTo(new[] { "second" }));
                input[0] = 2;
                request.Infer();
                Assert.That(output[0], Is.EqualTo(38));
            }

            if (_device is not null) Assert.That(_device.Held, Is.Zero);
            int calls = _device?.Faults.Calls("lost") ?? 0;
            using InferRequest later = model.CreateRequest();
            Assert.That(HeteroPlans.Infer(later, X, Bias), Is.EqualTo(Expected));
            if (id != ErrorIds.DoesNotFit) Assert.That(_device?.Faults.Calls("lost") ?? 0, Is.EqualTo(calls), "later requests do without the device");
            Assert.That(model.Info.Warnings, Has.Count.EqualTo(1));
        }

        if (_device is not null) Assert.That(_device.Held, Is.Zero);
        Assert.That(NativeBlock.Live, Is.LessThanOrEqualTo(blocks));
    }

    [TestCaseSource(nameof(Faults))]
    public void RequiredDevice_GivesOneError(string fault, string id)
    {
        foreach (bool isCompiledIn in (bool[])[false, true])
        {
            int blocks = Blocks();
            CompiledModel? model = null;
            InferRequest? request = null;
            try
            {
                LatheException? failed = Assert.Throws<LatheException>(() =>
                {
                    model = Model(fault, isCompiledIn ? HeteroPlans.Reuse() with { RequiresDevice = true } : HeteroPlans.Reuse(), isCompiledIn ? new() : new() { RequireDevice = true });
                    request = model.CreateRequest();
                    HeteroPlans.Infer(request, X, Bias);
                });
                Assert.That(failed!.Id, Is.EqualTo(id));
                if (request is null) Assert.That(_device?.Held ?? 0, Is.Zero);
                else if (!fault.StartsWith("lost", StringComparison.Ordinal)) Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(Expected), "the next inference is fine");
                else Assert.That(() => HeteroPlans.Infer(request, X, Bias), Throws.TypeOf<LatheException>());
                if (model is not null) Assert.That(model.Info.Warnings, Is.Empty);
            }
            finally
            {
                request?.Dispose();
                model?.Dispose();
            }

            Assert.That(_device?.Held ?? 0, Is.Zero);
            Assert.That(NativeBlock.Live, Is.LessThanOrEqualTo(blocks));
            _device = null;
        }
    }

    [Test]
    public void RequireDevice_OfTheLoader_CountsMoreThanThatOfTheCompiler()
    {
        using CompiledModel model = Model("launch:1", HeteroPlans.Reuse() with { RequiresDevice = true }, new() { RequireDevice = false });
        using InferRequest request = model.CreateRequest();
        Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(Expected));
    }

    [Test]
    public void Plan_WithoutKernelsForTheCpu_FallsNotBack_AndNeedsNone()
    {
        Plan plan = PlanBuilder.Hetero();
        plan = plan with { CarriesFallback = false, Kernels = [new("elsewhere", [.. plan.Kernels[0].Variants.Select(v => v with { Function = 99 })]), plan.Kernels[1]] };
        TestModule module = new(plan, PlanBuilder.Factor(3))
        {
            Device = setup => _device = SimulatedModel.Load(setup, function => TestKernels.Address(function == 99 ? TestKernels.Scale : function), new SimulationProfile { Faults = ["launch:2"] }),
        };
        using CompiledModel model = CompiledModel.Create(module);
        using InferRequest request = model.CreateRequest();
        Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(new float[] { 13, 26, 39, 52, 65 }));
        Assert.That(request.Infer, Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.DeviceFailed));
        Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(new float[] { 13, 26, 39, 52, 65 }));
        Assert.That(() => CompiledModel.Create(new TestModule(plan, PlanBuilder.Factor(3)) { Device = _ => throw new LatheException(ErrorIds.NoDevice, "none") }), Throws.TypeOf<LatheException>());
    }

    [Test]
    public void Data_ThatFail_AreNoFailureOfTheDevice([Values(TestKernels.Fail, TestKernels.Throw)] int function)
    {
        Plan plan = PlanBuilder.Hetero();
        plan = plan with { Kernels = [new("fails", [.. plan.Kernels[0].Variants.Select(v => v with { Function = function })]), plan.Kernels[1]] };
        using CompiledModel model = HeteroPlans.Model(plan, opened: device => _device = device);
        using (InferRequest request = model.CreateRequest())
        {
            for (int i = 0; i < 2; i++) Assert.That(request.Infer, Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.Kernel));
            Assert.That(model.Info.Warnings, Is.Empty);
        }

        Assert.That(_device!.Held, Is.Zero);
    }

    [Test]
    public void OneOfTwoDevices_MayFail([Range(1, 12)] int call)
    {
        Plan plan = HeteroPlans.Random(new Random(5), 30);
        float[] x = [.. Enumerable.Range(0, 24).Select(i => i / 7f)], expected;
        using (CompiledModel cpu = HeteroPlans.Model(plan, new SimulationProfile { Faults = ["build"] }, factor: 0.5f))
        using (InferRequest request = cpu.CreateRequest())
            expected = HeteroPlans.Infer(request, x);
        List<SimulatedModel> devices = [];
        TestModule module = new(plan, PlanBuilder.Factor(0.5f))
        {
            Device = setup =>
            {
                devices.Add(SimulatedModel.Load(setup, TestKernels.Address, setup.Number == 2 ? new SimulationProfile { Faults = [$"lost:{call}"] } : new SimulationProfile()));
                return devices[^1];
            },
        };
        using (CompiledModel model = CompiledModel.Create(module))
        {
            using InferRequest request = model.CreateRequest();
            for (int i = 0; i < 2; i++) Assert.That(HeteroPlans.Infer(request, x), Is.EqualTo(expected));
            Assert.That(model.Info.Warnings, Has.Count.EqualTo(1).And.One.Contains("SIM2"));
            Assert.That(request.Ran.Devices.Keys, Is.EquivalentTo(new[] { "CPU", "SIM" }));
        }

        Assert.That(devices.Select(d => d.Held), Is.All.Zero);
    }

    [Test]
    public void RandomPlans_WhoseDevicesAreLost_GiveWhatTheCpuGives([Range(0, 39)] int seed)
    {
        Random random = new(seed);
        Plan plan = HeteroPlans.Random(random, 40);
        float[] x = [.. Enumerable.Range(0, 24).Select(_ => random.NextSingle())];
        int call = random.Next(1, 60), lost = random.Next(1, 4);
        TestModule module = new(plan, PlanBuilder.Factor(0.5f))
        {
            Device = setup => SimulatedModel.Load(setup, TestKernels.Address, (setup.Number & lost) == 0 ? new SimulationProfile() : new SimulationProfile { Faults = [$"lost:{call}"] }),
        };
        using CompiledModel model = CompiledModel.Create(module), cpu = HeteroPlans.Model(plan, new SimulationProfile { Faults = ["build"] }, factor: 0.5f);
        using InferRequest request = model.CreateRequest(), other = model.CreateRequest(), onCpu = cpu.CreateRequest();
        for (int i = 0; i < 3; i++)
        {
            float[] expected = HeteroPlans.Infer(onCpu, x);
            Assert.That(HeteroPlans.Infer(request, x), Is.EqualTo(expected));
            Assert.That(HeteroPlans.Infer(other, x), Is.EqualTo(expected), "a second request, made before the device was lost");
            for (int k = 0; k < x.Length; k++) x[k] = -x[k];
        }
    }

    [Test]
    public void EveryCall_OfADeviceThatWorksLater_MayFail()
    {
        int calls;
        FakeDevice? fake = null;
        Plan plan = HeteroPlans.Reuse("GPU");
        TestModule module = new(plan, PlanBuilder.Factor(3)) { Device = setup => fake = new FakeDevice(setup) };
        using (CompiledModel model = CompiledModel.Create(module))
        {
            using InferRequest request = model.CreateRequest();
            Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(Expected));
            Assert.That(request.Ran.Devices, Is.EquivalentTo(new Dictionary<string, int> { ["CPU"] = 5, ["GPU"] = 1 }));
            Assert.That(request.Ran.Kernels["opencl"], Is.EqualTo(1));
            calls = fake!.Calls.Count;
        }

        Assert.That(calls, Is.GreaterThan(7));
        for (int failing = 0; failing < calls; failing++)
        {
            foreach (bool isRequired in (bool[])[false, true])
            {
                using (CompiledModel model = CompiledModel.Create(module, new() { RequireDevice = isRequired }))
                {
                    fake.FailsAt = failing;
                    InferRequest? request = null;
                    TestDelegate run = () =>
                    {
                        request = model.CreateRequest();
                        Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(Expected), $"call {failing}");
                    };
                    if (isRequired) Assert.That(run, Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.DeviceFailed), $"call {failing}");
                    else Assert.That(run, Throws.Nothing, $"call {failing}");
                    request ??= model.CreateRequest();
                    Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(Expected), $"after call {failing}");
                    request.Dispose();
                }

                Assert.That(fake.Held, Is.Zero, $"call {failing}");
                Assert.That(fake.Calls[^1], Is.EqualTo("dispose"));
            }
        }
    }

    [TestCase(typeof(FileNotFoundException))]
    [TestCase(typeof(FileLoadException))]
    [TestCase(typeof(BadImageFormatException))]
    public void Device_ThatTheApplicationLacks_IsReplaced_OrAnError(Type thrown)
    {
        TestModule none = new(PlanBuilder.Hetero("GPU"), PlanBuilder.Factor(3)) { Device = _ => throw (Exception)Activator.CreateInstance(thrown, "Lathe.Runtime.OpenCl")! };
        using (CompiledModel model = CompiledModel.Create(none))
        {
            using InferRequest request = model.CreateRequest();
            Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(new float[] { 13, 26, 39, 52, 65 }));
            Assert.That(model.Info.Warnings, Has.Count.EqualTo(1).And.One.Contains("Lathe.Runtime.OpenCl"));
            Assert.That(model.Info.Device, Is.EqualTo("CPU"));
        }

        Assert.That(() => CompiledModel.Create(none, new() { RequireDevice = true }), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.NoDevice));
    }

    [Test]
    public void Device_WithoutAnOperator_IsReplaced()
    {
        using CompiledModel model = HeteroPlans.Model(PlanBuilder.Hetero(), new SimulationProfile { Unsupported = ["Conv", "Test"] });
        Assert.That(model.Info.Warnings, Has.Count.EqualTo(1).And.One.Contains("has no Test"));
    }

    [Test]
    public void Request_ThatDoesNotFit_RunsOnTheCpu_AndSmallerOnesOnTheDevice()
    {
        using CompiledModel model = HeteroPlans.Model(PlanBuilder.Hetero(), new SimulationProfile { MemoryBytes = 4096 });
        Dictionary<string, long> large = new() { ["N"] = 1000 };
        using InferRequest tooLarge = model.CreateRequest(large), fits = model.CreateRequest();
        for (int n = 1001; n < 1010; n++) model.CreateRequest(new Dictionary<string, long> { ["N"] = n }).Dispose();
        tooLarge.Infer();
        Assert.That(tooLarge.Ran.Devices, Is.EqualTo(new Dictionary<string, int> { ["CPU"] = 2 }));
        Assert.That(HeteroPlans.Infer(fits, X, Bias), Is.EqualTo(new float[] { 13, 26, 39, 52, 65 }));
        Assert.That(fits.Ran.Devices, Does.ContainKey("SIM"));
        Assert.That(model.Info.Warnings, Has.Count.EqualTo(1).And.One.Contains("4096 bytes"));
    }

    [Test]
    public void Counters_OfStepsThatTheCpuTakesOver_BeginAnew()
    {
        using CompiledModel model = Model("launch:3", PlanBuilder.Hetero(), new() { Profiling = true });
        using InferRequest request = model.CreateRequest();
        for (int i = 0; i < 2; i++) request.Infer();
        Assert.That(request.Counters.Select(c => (c.Device, c.Count)), Is.EqualTo(new[] { ("SIM", 2L), ("SIM", 2L), ("SIM", 2L), ("CPU", 2L) }));
        request.Infer();
        Assert.That(request.Counters.Select(c => (c.Device, c.Count)), Is.EqualTo(new[] { ("CPU", 1L), ("CPU", 1L), ("CPU", 1L), ("CPU", 3L) }));
    }

    [Test]
    public void Sizes_OfWhatTheCpuWouldRun_AreCheckedWithTheRequest()
    {
        // The device runs another variant than the CPU would: of its own the request knows nothing bad.
        Plan plan = PlanBuilder.Hetero("GPU");
        PlanVariant sound = plan.Kernels[0].Variants[0] with { Isa = Isa.Avx2 };
        foreach ((PlanVariant own, string id) in ((PlanVariant, string)[])
        [
            (sound with { Isa = Isa.Vector128, Extent = -1 }, ErrorIds.Data),
            (sound with { Isa = Isa.Vector128, Extent = 1, ScratchBytes = long.MaxValue }, ErrorIds.DoesNotFit),
        ])
        {
            FakeDevice? fake = null;
            TestModule module = new(plan with { Kernels = [plan.Kernels[0] with { Variants = [own, sound with { Extent = 0 }] }, plan.Kernels[1]] }, PlanBuilder.Factor(3)) { Device = setup => fake = new FakeDevice(setup) };
            using CompiledModel model = CompiledModel.Create(module, new() { Isa = Isa.Vector128 });
            Assert.That(() => model.CreateRequest().Dispose(), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(id));
            Assert.That(fake!.Held, Is.Zero);
        }
    }

    private CompiledModel Model(string fault, Plan? plan = null, LatheOptions? options = null) =>
        HeteroPlans.Model(plan ?? HeteroPlans.Reuse(), new SimulationProfile { Faults = [fault] }, options, device => _device = device);

    /// <summary>The blocks that there are, without those that other tests left to the garbage collector.</summary>
    private static int Blocks()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return NativeBlock.Live;
    }
}
