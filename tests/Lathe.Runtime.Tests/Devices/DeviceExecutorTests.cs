using System.Buffers;
using System.Runtime.InteropServices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests.Devices;

/// <summary>Plans on a device that is a fake.</summary>
public sealed class DeviceExecutorTests
{
    private static readonly float[] X = [1, 2, 3, 4, 5], Bias = [10, 20, 30, 40, 50], Sum = [13, 26, 39, 52, 65], Scaled = [9, 18, 27, 36, 45];

    private FakeDevice _device = null!;

    [Test]
    public void Steps_RunOnTheDevice_AndAreCountedAndMeasuredThere()
    {
        using CompiledModel model = Model(new LatheOptions { Profiling = true });
        using InferRequest request = model.CreateRequest();
        Assert.That(Infer(request, condition: true), Is.EqualTo(Sum));
        Assert.That(Infer(request, condition: false), Is.EqualTo(Scaled));
        RunCounts ran = request.Ran;
        Assert.That(ran.Devices, Is.EqualTo(new Dictionary<string, int> { ["GPU"] = 2 }));
        Assert.That(ran.Kernels["opencl"], Is.EqualTo(2));
        Assert.That(ran.Kernels["csharp"] + ran.Kernels["native"] + ran.Kernels["routine"], Is.Zero);
        Assert.That(request.Counters.Select(c => (c.Device, c.Count)), Is.EqualTo(new[] { ("GPU", 2L), ("GPU", 1L), ("GPU", 1L) }));
        Assert.That(request.Counters[0].MinMs, Is.EqualTo(0.001).Within(1e-4));
        Assert.That(model.Info.Device, Is.EqualTo("a fake"));
        Assert.That(_device.Calls.Count(c => c == "read"), Is.EqualTo(2), "the host reads the condition and nothing else");
    }

    [Test]
    public void Failure_OfAnyCall_IsOneError_LeaksNothing_AndTheNextInferenceIsFine()
    {
        int calls;
        using (CompiledModel model = Model())
        {
            using InferRequest request = model.CreateRequest();
            Infer(request, condition: true);
            calls = _device.Calls.Count;
        }

        Assert.That(calls, Is.GreaterThan(8));
        for (int failing = 0; failing < calls; failing++)
        {
            using CompiledModel model = Model();
            _device.FailsAt = failing;
            InferRequest? request = null;
            try
            {
                LatheException? failed = Assert.Throws<LatheException>(() =>
                {
                    request = model.CreateRequest();
                    Infer(request, condition: true);
                });
                Assert.That(failed!.Id, Is.EqualTo(ErrorIds.DeviceFailed), $"call {failing}");
                if (request is null) Assert.That(_device.Held, Is.Zero, $"call {failing}");
                request ??= model.CreateRequest();
                Assert.That(Infer(request, condition: true), Is.EqualTo(Sum), $"call {failing}");
                Assert.That(Infer(request, condition: false), Is.EqualTo(Scaled), $"call {failing}");
            }
            finally
            {
                request?.Dispose();
            }

            Assert.That(_device.Held, Is.Zero, $"call {failing}");
        }
    }

    [Test]
    public void Cancellation_EndsWhatWasBegun()
    {
        using CompiledModel model = Model();
        using InferRequest request = model.CreateRequest();
        using CancellationTokenSource source = new();
        _device.Called = call =>
        {
            if (call == "launch") source.Cancel();
        };
        _device.Calls.Clear();
        Assert.That(async () => await request.InferAsync(source.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(_device.Calls, Is.EqualTo(new[] { "begin", "launch", "read", "end" }), "what was started is waited for, and nothing more is started");
        _device.Called = null;
        Assert.That(Infer(request, condition: true), Is.EqualTo(Sum));
    }

    [TestCase("bind")]
    [TestCase("map")]
    public void Binding_ThatFails_LeavesWhatWasBound(string failing)
    {
        float[] first = new float[5], second = new float[5];
        using CompiledModel model = Model();
        using (InferRequest request = model.CreateRequest())
        {
            request.BindOutput<float>("y", first);
            int calls = failing == "bind" ? 0 : 1;
            _device.FailsAt = calls;
            TrackedOwner refused = new(second);
            Assert.That(() => request.BindOutput("y", refused), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.DeviceFailed));
            Assert.That((refused.Pins, refused.IsDisposed), Is.EqualTo((0, false)), "the owner is the caller's, unpinned");
            Infer(request, condition: true);
            Assert.That(first, Is.EqualTo(Sum));
            Assert.That(second, Has.All.Zero);
            request.BindOutput("y", refused);
            Infer(request, condition: false);
            Assert.That(second, Is.EqualTo(Scaled));
            Assert.That(first, Is.EqualTo(Sum));

            // Also where unbinding fails at the end, the owner is let go of.
            _device.FailsAt = calls;
            Assert.That(request.Dispose, Throws.TypeOf<LatheException>());
            Assert.That((refused.Pins, refused.IsDisposed), Is.EqualTo((0, true)));
        }

        Assert.That(_device.Held, Is.Zero);
    }

    [Test]
    public void Model_WhoseKernelsTheDeviceLacks_DisposesTheDevice()
    {
        PlanBuilder b = new();
        int x = b.Input("x", 5), y = b.Output("y", 5);
        b.Steps.Add(b.Step("add", b.Kernel(TestKernels.Add, isas: Isa.Avx512), [5], y, x, x));
        Assert.That(
            () => CompiledModel.Create(new TestModule(b.Build() with { Device = "GPU" }) { Device = setup => _device = new FakeDevice(setup) }),
            Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.CorruptPlan));
        Assert.That(_device.Calls, Is.EqualTo(new[] { "dispose" }));
    }

    [Test]
    public void Model_WithoutItsDevice_IsRefused() => Assert.That(
        () => CompiledModel.Create(new TestModule(Plan(), PlanBuilder.Factor(3))), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.CorruptPlan).And.Message.Contains("GPU"));

    [Test]
    public void Plan_WithARoutineOfTheCpu_IsRefused()
    {
        PlanBuilder b = new();
        int x = b.Input("x", 5);
        b.Steps.Add(new RoutineStep("top", "TopK", "TopK", [new PlanOperand(x, ElementType.Float32, [5])], [], [], 0));
        Assert.That(() => CompiledModel.Create(new TestModule(b.Build() with { Device = "GPU" })), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.CorruptPlan).And.Message.Contains("TopK"));
    }

    private static float[] Infer(InferRequest request, bool condition)
    {
        request.SetInput<float>("x", X);
        request.SetInput<float>("bias", Bias);
        request.Input<bool>("condition")[0] = condition;
        request.Infer();
        return request.Output<float>("y").ToArray();
    }

    private static Plan Plan()
    {
        PlanBuilder b = new();
        SizeExpression n = b.Symbol("N", 1, 1000, 5);
        int x = b.Input("x", n), bias = b.Input("bias", n), condition = b.Input("condition", ElementType.Bool, 1), y = b.Output("y", n), t = b.Arena(PlanBuilder.Times(n, 4)), factor = b.Weights(0, 4);
        int scale = b.Kernel(TestKernels.Scale), add = b.Kernel(TestKernels.Add);
        b.Steps.Add(b.Step("scale", scale, [n], t, x, factor));
        b.Steps.Add(new IfStep("if", "If", condition, [b.Step("add", add, [n], y, t, bias)], [b.Step("again", scale, [n], y, t, factor)]));
        return b.Build() with { Device = "GPU" };
    }

    private CompiledModel Model(LatheOptions? options = null) =>
        CompiledModel.Create(new TestModule(Plan(), PlanBuilder.Factor(3)) { Device = setup => _device = new FakeDevice(setup) }, options);

    private sealed class TrackedOwner(float[] memory) : MemoryManager<float>
    {
        private GCHandle _handle;

        public int Pins { get; private set; }

        public bool IsDisposed { get; private set; }

        public override Span<float> GetSpan() => memory;

        public override unsafe MemoryHandle Pin(int elementIndex = 0)
        {
            if (Pins++ == 0) _handle = GCHandle.Alloc(memory, GCHandleType.Pinned);
            return new MemoryHandle((float*)_handle.AddrOfPinnedObject() + elementIndex, pinnable: this);
        }

        public override void Unpin()
        {
            if (--Pins == 0) _handle.Free();
        }

        protected override void Dispose(bool disposing) => IsDisposed = true;
    }
}
