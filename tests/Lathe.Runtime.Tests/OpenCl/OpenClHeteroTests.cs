using System.Text;
using Lathe.Runtime.Execution;
using Lathe.Runtime.OpenCl;
using Lathe.Runtime.Plans;
using Lathe.Runtime.Tests.Devices;

namespace Lathe.Runtime.Tests.OpenCl;

/// <summary>Models on the CPU and an OpenCL device.</summary>
public sealed class OpenClHeteroTests
{
    /// <summary>What the target prints for <see cref="TestKernels"/>: a buffer is an object and an offset, then come the dims, the first iteration, how many there are and how many a work-item does.</summary>
    private const string Source = """
        #define PART long first = from + get_global_id(0) * slice, last = min(first + slice, extent)
        __kernel void kernel_0_kernel(__global char* y, long ya, __global char* x, long xa, __global char* f, long fa, long n, long from, long extent, long slice, __global char* scratch, long bytes)
        {
            PART;
            for (long i = first; i < last; i++) ((__global float*)(y + ya))[i] = ((__global float*)(x + xa))[i] * ((__global float*)(f + fa))[0];
        }
        __kernel void kernel_1_kernel(__global char* y, long ya, __global char* a, long aa, __global char* b, long ba, long n, long from, long extent, long slice, __global char* scratch, long bytes)
        {
            PART;
            for (long i = first; i < last; i++) ((__global float*)(y + ya))[i] = ((__global float*)(a + aa))[i] + ((__global float*)(b + ba))[i];
        }
        """;

    private static readonly float[] X = [1, 2, 3, 4, 5], Bias = [10, 20, 30, 40, 50];

    [SetUp]
    public void NeedsADevice()
    {
        if (OpenClDevice.All().Count == 0) Assert.Ignore("There is no OpenCL device (apt-get install pocl-opencl-icd ocl-icd-libopencl1).");
    }

    [Test]
    public void Steps_RunOnBoth_AndAreMeasured()
    {
        // The device's source has but the kernel that runs there.
        using CompiledModel model = Model(PlanBuilder.Hetero("GPU"), Source[..Source.IndexOf("__kernel void kernel_1", StringComparison.Ordinal)], new() { Profiling = true });
        using InferRequest request = model.CreateRequest();
        for (int i = 0; i < 3; i++) Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(new float[] { 13, 26, 39, 52, 65 }));
        RunCounts ran = request.Ran;
        Assert.That(ran.Devices, Is.EquivalentTo(new Dictionary<string, int> { ["CPU"] = 1, ["GPU"] = 1 }));
        Assert.That((ran.Kernels["csharp"], ran.Kernels["opencl"]), Is.EqualTo((1, 1)));
        Assert.That(request.Counters.Select(c => (c.Op, c.Device, c.Count)), Is.EqualTo(new[] { ("Transfer", "GPU", 3L), ("Test", "GPU", 3L), ("Transfer", "GPU", 3L), ("Test", "CPU", 3L) }));
        Assert.That(model.Info.Warnings, Is.Empty);
        Assert.That(request.SimulatedMs, Is.Null);
    }

    [Test]
    public void Memory_ThatIsBeingCopied_IsNotUsedBefore()
    {
        Plan plan = HeteroPlans.Reuse("GPU");
        using CompiledModel model = Model(plan);
        Parallel.For(1, 5, k =>
        {
            using InferRequest request = model.CreateRequest(new Dictionary<string, long> { ["N"] = 100 * k });
            float[] x = [.. Enumerable.Range(0, 100 * k).Select(i => (float)i)], bias = [.. x.Select(v => v + k)];
            for (int i = 0; i < 50; i++)
                if (!HeteroPlans.Infer(request, x, bias).SequenceEqual(x.Zip(bias, (v, b) => (9 * v) + (2 * b)))) throw new InvalidOperationException($"request {k}, inference {i}");
        });
    }

    [Test]
    public void RandomPlans_GiveWhatTheCpuGives([Range(0, 7)] int seed)
    {
        Random random = new(seed);
        Plan plan = HeteroPlans.Random(random, 60);
        float[] x = [.. Enumerable.Range(0, 24).Select(_ => random.NextSingle())];
        using CompiledModel model = Model(plan, factor: 0.5f), cpu = Model(plan, "no OpenCL C", factor: 0.5f);
        using InferRequest request = model.CreateRequest(), expected = cpu.CreateRequest();
        Assert.That(cpu.Info.Warnings, Has.Count.EqualTo(2).And.All.Contains("The CPU stands in for"));
        for (int i = 0; i < 3; i++) Assert.That(HeteroPlans.Infer(request, x), Is.EqualTo(HeteroPlans.Infer(expected, x)));
        Assert.That(model.Info.Warnings, Is.Empty);
        Assert.That(request.Ran.Kernels["opencl"], Is.GreaterThan(10));
    }

    [Test]
    public void Requests_MayBeCancelledAndDisposed_WhileMemoryIsBeingCopied([Range(0, 3)] int seed)
    {
        Random random = new(seed);
        Plan plan = HeteroPlans.Random(random, 60);
        float[] x = [.. Enumerable.Range(0, 24).Select(_ => random.NextSingle())], expected;
        using CompiledModel model = Model(plan, factor: 0.5f), cpu = Model(plan, "no OpenCL C", factor: 0.5f);
        using (InferRequest request = cpu.CreateRequest()) expected = HeteroPlans.Infer(request, x);
        Parallel.For(0, 3, wait =>
        {
            using InferRequest request = model.CreateRequest();
            for (int i = 0; i < 10; i++)
            {
                using CancellationTokenSource source = new();
                request.SetInput<float>("x", x);
                request.StartAsync(source.Token);
                Thread.SpinWait(1000 * wait * i);
                source.Cancel();
                try
                {
                    request.Wait();
                }
                catch (OperationCanceledException)
                {
                    // What was started is done by now, and its memory is free for the next inference.
                }

                Assert.That(HeteroPlans.Infer(request, x), Is.EqualTo(expected));
            }

            request.StartAsync();
        });
        Assert.That(model.Info.Warnings, Is.Empty);
    }

    [Test]
    public void Weights_AreInTheDevicesMemory_AlsoWhatIsPrepared()
    {
        Plan prepared = PlanBuilder.Prepared();
        Plan plan = prepared with
        {
            Device = "HETERO:GPU,CPU",
            Accelerators = [new("GPU", 128)],
            Buffers = [.. prepared.Buffers, new(BufferKind.Arena, 0, 0, 16) { Device = 1 }, new(BufferKind.Arena, 0, 64, 16) { Device = 1 }],
            Kernels = [new("kernel_1", prepared.Kernels[0].Variants), prepared.Kernels[1]],
            Steps = [PlanBuilder.Transfer("x", 0, 4, 16), ((KernelStep)prepared.Steps[0]) with { Buffers = [5, 4, 3], Device = 1 }, PlanBuilder.Transfer("y", 5, 1, 16)],
        };
        byte[] weights = new byte[16];
        Buffer.BlockCopy(new float[] { 1, 2, 3, 4 }, 0, weights, 0, 16);
        using CompiledModel model = CompiledModel.Create(new TestModule(plan, weights) { Device = setup => OpenClModel.Load(setup, _ => new MemoryStream(Encoding.UTF8.GetBytes(Source))) }, new() { RequireDevice = true });
        using InferRequest request = model.CreateRequest();
        Assert.That(HeteroPlans.Infer(request, [10, 20, 30, 40]), Is.EqualTo(new float[] { 12, 24, 36, 48 }));
    }

    [TestCase("no OpenCL C", ErrorIds.DeviceKernels)]
    [TestCase("", ErrorIds.DeviceKernels)]
    public void Kernels_ThatDoNotBuild_OrAreMissing_AreReplaced_OrAnError(string source, string id)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        int blocks = NativeBlock.Live;
        using (CompiledModel model = Model(PlanBuilder.Hetero("GPU"), source))
        {
            using InferRequest request = model.CreateRequest();
            for (int i = 0; i < 2; i++) Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(new float[] { 13, 26, 39, 52, 65 }));
            Assert.That(request.Ran.Devices, Is.EqualTo(new Dictionary<string, int> { ["CPU"] = 2 }));
            Assert.That(request.Ran.Fallbacks, Has.Count.EqualTo(1));
            Assert.That(model.Info.Warnings, Has.Count.EqualTo(1).And.One.Contains("The CPU stands in for GPU"));
        }

        Assert.That(NativeBlock.Live, Is.LessThanOrEqualTo(blocks));
        Assert.That(
            () =>
            {
                using CompiledModel model = Model(PlanBuilder.Hetero("GPU"), source, new() { RequireDevice = true });
                using InferRequest request = model.CreateRequest();
                request.Infer();
            },
            Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(id));
    }

    [Test]
    public void Functions_MayHaveAnyNumbers()
    {
        Plan plan = PlanBuilder.ScaleAdd();
        plan = plan with { Device = "GPU", Kernels = [.. plan.Kernels.Select((k, i) => k with { Variants = [.. k.Variants.Select(v => v with { Function = int.MaxValue - i })] })] };
        using CompiledModel model = Model(plan);
        using InferRequest request = model.CreateRequest();
        Assert.That(HeteroPlans.Infer(request, X, Bias), Is.EqualTo(new float[] { 13, 26, 39, 52, 65 }));
    }

    [Test]
    public void Host_LeavesTheDriverAProcessor_WhereItHasMoreThanTwo()
    {
        int threads = Environment.ProcessorCount;
        using CompiledModel model = Model(PlanBuilder.Hetero("GPU")), cpu = Model(PlanBuilder.Hetero("GPU"), "no OpenCL C");
        Assert.That(model.Info.Threads, Is.EqualTo(threads > 2 ? threads - 1 : threads));
        Assert.That(cpu.Info.Threads, Is.EqualTo(threads));
    }

    private static CompiledModel Model(Plan plan, string source = Source, LatheOptions? options = null, float factor = 3) => CompiledModel.Create(
        new TestModule(plan, PlanBuilder.Factor(factor)) { Device = setup => OpenClModel.Load(setup, _ => new MemoryStream(Encoding.UTF8.GetBytes(source))) }, options);
}
