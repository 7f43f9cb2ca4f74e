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
        source.Cancel();
        Assert.That(async () => await request.InferAsync(source.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Infer(request, condition: true), Is.EqualTo(Sum));
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
}
