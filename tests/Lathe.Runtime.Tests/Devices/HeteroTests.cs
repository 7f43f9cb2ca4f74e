using Lathe.Runtime.Plans;
using Lathe.Runtime.Simulation;

namespace Lathe.Runtime.Tests.Devices;

/// <summary>Models on the CPU and simulated accelerators, which do what they are asked for when somebody waits: without the right waits results are wrong.</summary>
public sealed class HeteroTests
{
    private static readonly float[] X = [1, 2, 3, 4, 5], Bias = [10, 20, 30, 40, 50], Sum = [13, 26, 39, 52, 65];

    [Test]
    public void Steps_RunWhereThePlanSays_AndAreCountedAndMeasuredThere()
    {
        using CompiledModel model = HeteroPlans.Model(PlanBuilder.Hetero(), options: new() { Profiling = true });
        using InferRequest request = model.CreateRequest();
        Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(Sum));
        Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(Sum));
        RunCounts ran = request.Ran;
        Assert.That(ran.Devices, Is.EquivalentTo(new Dictionary<string, int> { ["CPU"] = 1, ["SIM"] = 1 }));
        Assert.That(ran.Kernels["csharp"], Is.EqualTo(2));
        Assert.That(ran.Fallbacks, Is.Empty);
        Assert.That(
            request.Counters.Select(c => (c.Node, c.Op, c.Device, c.Subgraph, c.Count)),
            Is.EqualTo(new[] { ("x", "Transfer", "SIM", 1, 2L), ("scale", "Test", "SIM", 1, 2L), ("scale", "Transfer", "SIM", 1, 2L), ("add", "Test", "CPU", 2, 2L) }));
        Assert.That(request.Counters[0].Bytes, Is.EqualTo(20));
        Assert.That(request.Counters[0].MinMs, Is.EqualTo(0.02).Within(1e-3), "the simulated time");
        Assert.That(model.Info.Device, Is.EqualTo("SIM: a simulated accelerator; CPU"));
        Assert.That(model.Info.Warnings, Is.Empty);
    }

    [Test]
    public void Memory_ThatIsBeingCopied_IsNotUsedBefore()
    {
        using CompiledModel model = HeteroPlans.Model(HeteroPlans.Reuse());
        using InferRequest request = model.CreateRequest();
        for (int i = 0; i < 3; i++)
            Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(X.Zip(Bias, (x, bias) => (9 * x) + (2 * bias))));
    }

    [Test]
    public void RandomPlans_GiveWhatTheCpuGives([Range(0, 39)] int seed)
    {
        Random random = new(seed);
        Plan plan = HeteroPlans.Random(random, 40);
        float[] x = [.. Enumerable.Range(0, 24).Select(_ => random.NextSingle())];
        using CompiledModel model = HeteroPlans.Model(plan, factor: 0.5f), cpu = HeteroPlans.Model(plan, new SimulationProfile { Faults = ["build"] }, factor: 0.5f);
        using InferRequest request = model.CreateRequest(), expected = cpu.CreateRequest();
        Assert.That(cpu.Info.Warnings, Has.Count.EqualTo(2));
        for (int i = 0; i < 2; i++)
        {
            Assert.That(HeteroPlans.Infer(request, x), Is.EqualTo(HeteroPlans.Infer(expected, x)));
            for (int k = 0; k < x.Length; k++) x[k] = -x[k];
        }

        Assert.That(model.Info.Warnings, Is.Empty);
    }

    [Test]
    public void Decisions_WaitForWhatTheyRead()
    {
        PlanBuilder b = new();
        int x = b.Input("x", 2), y = b.Output("y", 2), found = b.Arena(192), other = b.Arena(0, 64, 8), sum = b.Arena(0, 128, 8), factor = b.Weights(0, 4);
        int there = b.Accelerator("SIM", 128), result = b.Arena(1, 64, 8);
        int scale = b.Kernel(TestKernels.Scale), add = b.Kernel(TestKernels.Add);
        found = b.Arena(0, 0, 8);
        b.Steps.Add(PlanBuilder.Transfer("x", x, there, 8));
        b.Steps.Add(b.Step("scale", scale, [2], result, there, factor) with { Device = 1 });
        b.Steps.Add(PlanBuilder.Transfer("scale", result, found, 8));
        b.Steps.Add(new IfStep("if", "If", found, [b.Step("then", add, [2], other, x, x)], [b.Step("else", add, [2], other, found, found)]));
        b.Steps.Add(PlanBuilder.Transfer("other", other, there, 8));
        b.Steps.Add(b.Step("again", scale, [2], result, there, factor) with { Device = 1 });
        b.Steps.Add(PlanBuilder.Transfer("again", result, sum, 8));
        b.Steps.Add(b.Step("last", add, [2], y, sum, sum));
        Plan plan = b.Build() with { Device = "HETERO:SIM,CPU" };
        using CompiledModel model = HeteroPlans.Model(plan);
        using InferRequest request = model.CreateRequest();
        // The first byte of the first float decides.
        float one = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(1f) | 1);
        for (int i = 0; i < 2; i++)
        {
            Assert.That(HeteroPlans.Infer(request, [1, 2]), Is.EqualTo(new float[] { 1 * 3 * 2 * 3 * 2, 2 * 3 * 2 * 3 * 2 }), "3 has a first byte of 0");
            Assert.That(HeteroPlans.Infer(request, [one, 2])[1], Is.EqualTo(2 * 2 * 3 * 2));
        }
    }

    [Test]
    public void MeasuredDims_AndLoops_WaitForWhatTheyRead()
    {
        PlanBuilder b = new();
        int x = b.Input("x", 2), y = b.Output("y", 2), count = b.Arena(512), state = b.Arena(0, 128, 8), next = b.Arena(0, 192, 8), factor = b.Weights(0, 4);
        int there = b.Accelerator("SIM", 256), result = b.Arena(1, 64, 8), sum = b.Arena(1, 128, 8);
        int scale = b.Kernel(TestKernels.Scale), add = b.Kernel(TestKernels.Add);
        count = b.Arena(0, 0, 8);
        b.Steps.Add(PlanBuilder.Transfer("x", x, there, 8));
        b.Steps.Add(b.Step("scale", scale, [2], result, there, factor) with { Device = 1 });
        b.Steps.Add(PlanBuilder.Transfer("count", there, count, 8));
        b.Steps.Add(PlanBuilder.Transfer("initial", result, state, 8));
        b.Steps.Add(new MeasureStep("measure", "Measure", count, ElementType.UInt8, [0], []));
        b.Steps.Add(new LoopStep("loop", "Loop", 1, PlanBuilder.Dim(0), [new(state, state, next)], [b.Step("double", add, [2], next, state, state)]));
        b.Steps.Add(PlanBuilder.Transfer("state", state, result, 8));
        b.Steps.Add(b.Step("sum", add, [2], sum, result, result) with { Device = 1 });
        b.Steps.Add(PlanBuilder.Transfer("sum", sum, y, 8));
        Plan plan = b.Build();
        plan = plan with { Device = "HETERO:SIM,CPU", Symbols = [new("count", 0, 255, 0, IsComputed: true), new("i", 0, 255, 0, IsComputed: true)] };
        using CompiledModel model = HeteroPlans.Model(plan);
        using InferRequest request = model.CreateRequest();
        foreach (int count2 in (int[])[3, 0, 5])
        {
            // A denormal number whose first byte is the count.
            float[] values = [BitConverter.Int32BitsToSingle(0x3f800000 | count2), 1];
            Assert.That(HeteroPlans.Infer(request, values)[1], Is.EqualTo(3 * (1 << count2) * 2));
        }
    }

    [Test]
    public void WeightsAndWhatIsPreparedOfThem_AreInTheDevicesMemory()
    {
        Plan prepared = PlanBuilder.Prepared();
        PlanBuilder b = new();
        Plan plan = prepared with
        {
            Device = "HETERO:SIM,CPU",
            Accelerators = [new("SIM", 128)],
            Buffers = [.. prepared.Buffers, new(BufferKind.Arena, 0, 0, 16) { Device = 1 }, new(BufferKind.Arena, 0, 64, 16) { Device = 1 }],
            Steps =
            [
                PlanBuilder.Transfer("x", 0, 4, 16),
                ((KernelStep)prepared.Steps[0]) with { Buffers = [5, 4, 3], Device = 1 },
                PlanBuilder.Transfer("y", 5, 1, 16),
            ],
        };
        byte[] weights = new byte[16];
        Buffer.BlockCopy(new float[] { 1, 2, 3, 4 }, 0, weights, 0, 16);
        using CompiledModel model = CompiledModel.Create(new TestModule(plan, weights) { Device = setup => SimulatedModel.Load(setup, TestKernels.Address, new SimulationProfile()) });
        using InferRequest request = model.CreateRequest();
        Assert.That(HeteroPlans.Infer(request, [10, 20, 30, 40]), Is.EqualTo(new float[] { 12, 24, 36, 48 }));
        Assert.That(request.Ran.Devices, Is.EqualTo(new Dictionary<string, int> { ["SIM"] = 1 }));
    }

    [Test]
    public void BoundMemory_IsCopiedStraightFromAndTo()
    {
        PlanBuilder b = new();
        SizeExpression n = b.Symbol("N", 1, 1000, 5), bytes = PlanBuilder.Times(n, 4);
        int x = b.Input("x", n), y = b.Output("y", n), factor = b.Weights(0, 4), there = b.Accelerator("SIM", PlanBuilder.Times(n, 128)), result = b.Arena(1, PlanBuilder.Times(n, 64), bytes);
        b.Steps.Add(PlanBuilder.Transfer("x", x, there, bytes));
        b.Steps.Add(b.Step("scale", b.Kernel(TestKernels.Scale), [n], result, there, factor) with { Device = 1 });
        b.Steps.Add(PlanBuilder.Transfer("y", result, y, bytes));
        using CompiledModel model = HeteroPlans.Model(b.Build() with { Device = "HETERO:SIM,CPU" });
        using InferRequest request = model.CreateRequest();
        float[] input = [7, 8, 9, 10, 11], output = new float[5];
        Assert.That(HeteroPlans.Infer(request, X), Is.EqualTo(X.Select(v => 3 * v)));
        request.BindInput<float>("x", input);
        request.BindOutput<float>("y", output);
        request.Infer();
        Assert.That(output, Is.EqualTo(input.Select(v => 3 * v)));
        input[0] = 100;
        request.Infer();
        Assert.That(output[0], Is.EqualTo(300));
        request.UnbindInput("x");
        request.UnbindOutput("y");
        output[0] = 0;
        request.Infer();
        Assert.That(request.Output<float>("y").ToArray(), Is.EqualTo(X.Select(v => 3 * v)));
        Assert.That(output[0], Is.Zero);
    }

    [Test]
    public void Dims_DecideHowMuchIsCopied()
    {
        using CompiledModel model = HeteroPlans.Model(PlanBuilder.Hetero());
        foreach (int n in (int[])[1, 17, 1000])
        {
            using InferRequest request = model.CreateRequest(new Dictionary<string, long> { ["N"] = n });
            float[] x = [.. Enumerable.Range(0, n).Select(i => (float)i)], bias = [.. Enumerable.Range(0, n).Select(i => (float)(2 * i))];
            Assert.That(HeteroPlans.Infer(request, x, bias), Is.EqualTo(x.Select(v => 5 * v)));
        }
    }

    [Test]
    public void Requests_RunAtTheSameTime()
    {
        using CompiledModel model = HeteroPlans.Model(HeteroPlans.Reuse());
        Task[] tasks = [.. Enumerable.Range(1, 6).Select(k => Task.Run(() =>
        {
            using InferRequest request = model.CreateRequest();
            float[] x = [.. X.Select(v => v * k)];
            for (int i = 0; i < 200; i++)
                if (!HeteroPlans.Infer(request, x, Bias).SequenceEqual(x.Zip(Bias, (v, bias) => (9 * v) + (2 * bias)))) throw new InvalidOperationException($"request {k}, inference {i}");
        }))];
        Assert.That(() => Task.WaitAll(tasks), Throws.Nothing);
    }

    [Test]
    public void Infer_AllocatesNothing()
    {
        using CompiledModel model = HeteroPlans.Model(HeteroPlans.Reuse());
        using InferRequest request = model.CreateRequest();
        request.Infer();
        Assert.That(
            Allocations.Least(() =>
            {
                for (int i = 0; i < 100; i++) request.Infer();
            }),
            Is.LessThan(1000));
    }

    [Test]
    public async Task Cancellation_WaitsForWhatWasStarted_AndTheNextInferenceIsFine()
    {
        PlanBuilder b = new();
        int x = b.Input("x", 5), bias = b.Input("bias", 5), y = b.Output("y", 5), t = b.Arena(64), factor = b.Weights(0, 4), there = b.Accelerator("SIM", 128), result = b.Arena(1, 64, 20);
        b.Steps.Add(PlanBuilder.Transfer("x", x, there, 20));
        b.Steps.Add(b.Step("scale", b.Kernel(TestKernels.Scale), [5], result, there, factor) with { Device = 1 });
        b.Steps.Add(PlanBuilder.Transfer("scale", result, t, 20));
        b.Steps.Add(b.Step("block", b.Kernel(TestKernels.Block), [1], y));
        b.Steps.Add(b.Step("add", b.Kernel(TestKernels.Add), [5], y, t, bias));
        SimulatedModel? device = null;
        using (CompiledModel model = HeteroPlans.Model(b.Build() with { Device = "HETERO:SIM,CPU" }, opened: opened => device = opened))
        {
            using InferRequest request = model.CreateRequest();
            using CancellationTokenSource source = new();
            while (TestKernels.Entered.Wait(0)) continue;
            TestKernels.Gate.Reset();
            try
            {
                Task inference = request.InferAsync(source.Token).AsTask();
                TestKernels.Entered.Wait();
                source.Cancel();
                TestKernels.Gate.Set();
                await Assert.ThatAsync(() => inference, Throws.InstanceOf<OperationCanceledException>());
            }
            finally
            {
                TestKernels.Gate.Set();
            }

            Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(Sum));
            while (TestKernels.Entered.Wait(0)) continue;
        }

        Assert.That(device!.Held, Is.Zero);
    }

    [Test]
    public void OptimalRequestCount_IsTheMostThatADeviceAsksFor([Values(4, 32)] int requests)
    {
        SimulationProfile profile = new() { Requests = requests };
        using CompiledModel model = HeteroPlans.Model(PlanBuilder.Hetero(), profile, new() { Threads = 1 });
        Assert.That(model.OptimalRequestCount, Is.EqualTo(Math.Max(requests, Environment.ProcessorCount)));
        using CompiledModel cpu = HeteroPlans.Model(PlanBuilder.Hetero(), profile with { Faults = ["build"] }, new() { Threads = 1 });
        Assert.That(cpu.OptimalRequestCount, Is.EqualTo(Environment.ProcessorCount));
    }

    [Test]
    public void WarmUp_RunsAnInferenceAtLoad()
    {
        int launches = 0;
        SimulatedModel? device = null;
        using (CompiledModel model = HeteroPlans.Model(PlanBuilder.Hetero(), options: new() { WarmUp = true }, opened: opened => device = opened)) launches = device!.Faults.Calls("launch");
        Assert.That(launches, Is.EqualTo(1));
        Assert.That(device.Held, Is.Zero);
        Assert.That(
            () => HeteroPlans.Model(PlanBuilder.Hetero(), new SimulationProfile { Faults = ["launch:1"] }, new() { WarmUp = true, RequireDevice = true }, opened => device = opened),
            Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.DeviceFailed));
        Assert.That(device.Held, Is.Zero);
        Plan fails = PlanBuilder.Hetero();
        fails = fails with { Kernels = [fails.Kernels[0], new("fail", [.. fails.Kernels[1].Variants.Select(v => v with { Function = TestKernels.Fail })])] };
        using CompiledModel zeros = HeteroPlans.Model(fails, options: new() { WarmUp = true });
        Assert.That(zeros.Info.Warnings, Has.Count.EqualTo(1).And.One.Contains("warmed up"));
    }

    [Test]
    public void ManyTransfers_ThatNobodyWaitsFor_AreDone()
    {
        const int Count = 200;
        PlanBuilder b = new();
        int x = b.Input("x", 4), y = b.Output("y", 4), arena = b.Arena(64 * Count), there = b.Accelerator("SIM", 64);
        b.WeightBytes = 4;
        int[] parts = [.. Enumerable.Range(0, Count).Select(i => b.Arena(0, 64 * i, 16))];
        int add = b.Kernel(TestKernels.Add);
        b.Steps.Add(PlanBuilder.Transfer("x", x, there, 16));
        foreach (int part in parts) b.Steps.Add(PlanBuilder.Transfer("part", there, part, 16));
        b.Steps.Add(b.Step("sum", add, [4], y, parts[^1], parts[^1]));
        foreach (int part in parts) b.Steps.Add(b.Step("sum", add, [4], y, y, part));
        using CompiledModel model = HeteroPlans.Model(b.Build() with { Device = "HETERO:SIM,CPU" });
        using InferRequest request = model.CreateRequest();
        Assert.That(HeteroPlans.Infer(request, [1, 2, 3, 4]), Is.EqualTo(new float[] { 1, 2, 3, 4 }.Select(v => v * (Count + 2))));
    }
}
