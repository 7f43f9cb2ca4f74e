using System.Runtime.InteropServices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests;

public sealed class InferRequestTests
{
    private CompiledModel _model = null!;

    [SetUp]
    public void Create() => _model = CompiledModel.Create(new TestModule(PlanBuilder.ScaleAdd(), PlanBuilder.Factor(3)));

    [TearDown]
    public void Dispose() => _model.Dispose();

    [Test]
    public void Infer_TwoSteps_GivesTheirResult()
    {
        using InferRequest request = _model.CreateRequest();
        request.SetInput<float>("x", [1, 2, 3, 4, 5]);
        request.SetInput<float>("bias", [10, 20, 30, 40, 50]);
        request.Infer();
        Assert.That(request.Output<float>("y").ToArray(), Is.EqualTo(new float[] { 13, 26, 39, 52, 65 }));
    }

    [Test]
    public void Scratch_ThatDoesNotFit_ForDimsThatDataDetermine_IsForgottenByTheNextInference()
    {
        SizeExpression.Instruction[] most = [new(SizeExpression.Code.Dim, 1), new(SizeExpression.Code.Constant, -4), new(SizeExpression.Code.Add), new(SizeExpression.Code.Constant, 1L << 40),
            new(SizeExpression.Code.Multiply), new(SizeExpression.Code.Constant, 64), new(SizeExpression.Code.Max)];
        PlanBuilder b = new();
        int n = b.Input("n", ElementType.Int64, 1), x = b.Input("x", 4), y = b.Output("y", 1);
        b.Steps.Add(new MeasureStep("measure", "Measure", n, ElementType.Int64, [0], []));
        b.Steps.Add(b.Step("sum", b.Kernel(TestKernels.ScratchSum, scratchBytes: new(most)), [1, PlanBuilder.Dim(0)], y, x));
        using CompiledModel model = CompiledModel.Create(new TestModule(b.Build() with { Symbols = [new("columns", 1, long.MaxValue, 1, IsComputed: true)] }, []));
        using InferRequest request = model.CreateRequest();
        request.SetInput<float>("x", [1, 0, 0, 0]);
        request.SetInput<long>("n", [1000]);
        Assert.That(request.Infer, Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.DoesNotFit));
        request.SetInput<long>("n", [4]);
        request.Infer();
        Assert.That(request.Output<float>("y")[0], Is.EqualTo(1.0001f));
    }

    [Test]
    public void Arena_WhoseSizeCannotBeComputed_LeavesTheStepsBeforeWithWhatThereIs()
    {
        SizeExpression.Instruction[] most = [new(SizeExpression.Code.Dim, 0), new(SizeExpression.Code.Constant, -4), new(SizeExpression.Code.Add), new(SizeExpression.Code.Constant, 1L << 62),
            new(SizeExpression.Code.Multiply), new(SizeExpression.Code.Constant, 64), new(SizeExpression.Code.Max)];
        PlanBuilder b = new();
        int n = b.Input("n", ElementType.Int64, 1), x = b.Input("x", 4), y = b.Output("y", 1);
        b.Arena(64);
        b.Buffer(BufferKind.Arena, 0, 64, PlanBuilder.Times(PlanBuilder.Dim(0), 1 << 20));
        b.Buffer(BufferKind.Arena, 0, 0, new(most));
        b.Steps.Add(b.Step("sum", b.Kernel(TestKernels.ScratchSum, scratchBytes: 64), [1, 4], y, x));
        b.Steps.Add(new MeasureStep("measure", "Measure", n, ElementType.Int64, [0], []));
        using CompiledModel model = CompiledModel.Create(new TestModule(b.Build() with { Symbols = [new("found", 1, long.MaxValue, 1, IsComputed: true)] }, []));
        using InferRequest request = model.CreateRequest();
        request.SetInput<float>("x", [1, 0, 0, 0]);
        foreach (long found in (long[])[1000, 4])
        {
            request.SetInput<long>("n", [found]);
            if (found == 4) Assert.That(request.Infer, Throws.Nothing);
            else Assert.That(request.Infer, Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.DoesNotFit));
            Assert.That(request.Output<float>("y")[0], Is.EqualTo(1.0001f));
        }
    }

    [Test]
    public void Infer_Repeated_AllocatesNothing()
    {
        using InferRequest request = _model.CreateRequest();
        request.Infer();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            request.Input<float>("x")[0] = i;
            request.Infer();
            if (request.Output<float>(0)[0] != 3 * i) throw new AssertionException("wrong result");
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void CreateRequest_WithDims_HasTheirShapes()
    {
        using InferRequest request = _model.CreateRequest(new Dictionary<string, long> { ["N"] = 1000 });
        Assert.That(request.InputShape("bias").ToArray(), Is.EqualTo(new[] { 1000 }));
        Assert.That(request.OutputShape(0).ToArray(), Is.EqualTo(new[] { 1000 }));
        request.Input<float>("x").Fill(2);
        request.Input<float>("bias").Fill(1);
        request.Infer();
        Assert.That(request.Output<float>("y").ToArray(), Is.EqualTo(Enumerable.Repeat(7f, 1000)));
    }

    [Test]
    public void CreateRequest_DimOutsideItsRangeOrUnknown_IsRefused()
    {
        Assert.That(() => With("N", 0), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contain("1048576"));
        Assert.That(() => With("N", (1 << 20) + 1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => With("M", 1), Throws.TypeOf<ArgumentException>().With.Message.Contain("'M'"));

        InferRequest With(string name, long value) => _model.CreateRequest(new Dictionary<string, long> { [name] = value });
    }

    [TestCase(1L << 61)]
    [TestCase(1L << 50)]
    [TestCase(1L << 40)]
    public void CreateRequest_MemoryThatCannotBe_IsLathe0506(long n)
    {
        PlanBuilder builder = new();
        builder.Arena(PlanBuilder.Times(builder.Symbol("N", 1, long.MaxValue, 1), 16));
        using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), []));
        Assert.That(
            () => model.CreateRequest(new Dictionary<string, long> { ["N"] = n }), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0506"));
        model.CreateRequest().Dispose();
    }

    [Test]
    public void CreateRequest_TensorOfMoreThan2GiB_IsLathe0506()
    {
        PlanBuilder builder = new();
        builder.Input("x", builder.Symbol("N", 1, long.MaxValue, 1), 1 << 20);
        using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), []));
        Assert.That(
            () => model.CreateRequest(new Dictionary<string, long> { ["N"] = 512 }), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0506"));
    }

    [TestCase(0, 128, 100)]
    [TestCase(64, 64, 100)]
    [TestCase(32, 16, 100)]
    public void CreateRequest_BufferOutsideTheArenaOrNotAligned_IsLathe0503(long offset, long bytes, long arena)
    {
        // The sizes depend on a dim, so that only a request can tell.
        PlanBuilder builder = new();
        SizeExpression one = builder.Symbol("N", 1, 1, 1);
        builder.Arena(PlanBuilder.Times(one, arena));
        builder.Buffer(BufferKind.Arena, 0, PlanBuilder.Times(one, offset), PlanBuilder.Times(one, bytes));
        using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), []));
        Assert.That(() => model.CreateRequest(), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0503"));
    }

    [Test]
    public unsafe void Input_OwnMemory_IsAligned()
    {
        using InferRequest request = _model.CreateRequest();
        foreach (string name in new[] { "x", "bias" })
            fixed (float* pointer = request.Input<float>(name)) Assert.That((long)pointer % Plan.Alignment, Is.Zero);
    }

    [Test]
    public void Input_SpanThatOutlivesTheRequest_IsStillMemory()
    {
        Span<float> input = Filled(_model);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.That(input.ToArray(), Is.All.EqualTo(5f));

        static Span<float> Filled(CompiledModel model)
        {
            using InferRequest request = model.CreateRequest();
            request.Input<float>("x").Fill(5);
            return request.Input<float>("x");
        }
    }

    [Test]
    public void Access_OfWhatIsNotThere_IsRefused()
    {
        using InferRequest request = _model.CreateRequest();
        Assert.That(() => request.Input<float>("z"), Throws.TypeOf<ArgumentException>().With.Message.Contain("'bias'"));
        Assert.That(() => request.Input<float>(2), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => request.Output<float>(-1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => request.Input<int>("x"), Throws.TypeOf<ArgumentException>().With.Message.Contain("float32"));
        Assert.That(() => request.Output<double>("y"), Throws.TypeOf<ArgumentException>());
        Assert.That(() => request.SetInput<float>("x", new float[4]), Throws.TypeOf<ArgumentException>().With.Message.Contain("5 elements, not 4"));
        Assert.That(() => request.SetInput<float>("x", new float[6]), Throws.TypeOf<ArgumentException>());
    }

    [Test]
    public void Bytes_OfATensor_AreItsElements()
    {
        using InferRequest request = _model.CreateRequest();
        MemoryMarshal.Write(request.InputBytes(0), 2f);
        request.Infer();
        Assert.That(MemoryMarshal.Read<float>(request.OutputBytes(0)), Is.EqualTo(6f));
        Assert.That(request.OutputBytes(0).Length, Is.EqualTo(20));
    }

    [Test]
    public unsafe void BindInput_CallersMemory_IsReadWithoutACopy()
    {
        using InferRequest request = _model.CreateRequest();
        request.Input<float>("x").Fill(1);
        float[] mine = GC.AllocateArray<float>(5, pinned: true);
        fixed (float* pointer = mine)
        {
            request.BindInput("x", (nint)pointer, [1]);
            mine.AsSpan().Fill(100);
            request.Infer();
            Assert.That(request.Output<float>("y")[4], Is.EqualTo(300));
            mine.AsSpan().Fill(200);
            request.Infer();
            Assert.That(request.Output<float>("y")[4], Is.EqualTo(600));
            Assert.That(request.Input<float>("x")[0], Is.EqualTo(200));
        }

        request.UnbindInput("x");
        request.Infer();
        Assert.That(request.Output<float>("y")[4], Is.EqualTo(3));
    }

    [Test]
    public void BindInput_WhatCannotBeBound_IsRefused()
    {
        PlanBuilder builder = new();
        builder.Input("x", 2, 1, 3);
        using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), []));
        using InferRequest request = model.CreateRequest();
        Assert.That(() => request.BindInput("y", 64), Throws.TypeOf<ArgumentException>());
        Assert.That(() => request.BindInput("x", 0), Throws.TypeOf<ArgumentException>());
        Assert.That(() => request.BindInput("x", 66), Throws.TypeOf<ArgumentException>());
        Assert.That(() => request.BindInput("x", 64, [4, 3, 1]), Throws.TypeOf<ArgumentException>().With.Message.Contain("4,3,1"));
        Assert.That(() => request.BindInput("x", 64, [3, 1]), Throws.TypeOf<ArgumentException>());
        Assert.That(() => request.BindInput("x", 64, [3, 99, 1]), Throws.Nothing);
    }

    [Test]
    public void Infer_KernelThatReportsAnError_IsLathe0507AndTheRequestGoesOn()
    {
        foreach ((int kernel, string message) in new[] { (TestKernels.Fail, "error 7"), (TestKernels.Throw, "thrown") })
        {
            PlanBuilder builder = new();
            int condition = builder.Input("bad", ElementType.Bool), y = builder.Output("y", 1);
            KernelStep bad = builder.Step("conv_12", builder.Kernel(kernel), [1]), good = builder.Step("ok", builder.Kernel(TestKernels.Add), [1], y, y, y);
            builder.Steps.Add(new IfStep("if", "If", condition, [bad], [good]));
            using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), []));
            using InferRequest request = model.CreateRequest();
            request.Input<bool>("bad")[0] = true;
            LatheException? error = Assert.Throws<LatheException>(request.Infer);
            Assert.That(error!.Id, Is.EqualTo("LATHE0507"));
            Assert.That(error.Message, Does.Contain("'conv_12'").And.Contain(message));
            request.Input<bool>("bad")[0] = false;
            Assert.That(request.Infer, Throws.Nothing);
        }
    }

    [Test]
    public void Infer_If_RunsTheBranchAndCountsItsStepsOnly()
    {
        PlanBuilder builder = new();
        int c = builder.Input("c", ElementType.Bool), x = builder.Input("x", 1), y = builder.Output("y", 1), w = builder.Weights(0, 4);
        int add = builder.Kernel(TestKernels.Add), scale = builder.Kernel(TestKernels.Scale);
        builder.Steps.Add(new IfStep(
            "if",
            "If",
            c,
            [builder.Step("scale", scale, [1], y, x, w)],
            [builder.Step("twice", add, [1], y, x, x), builder.Step("again", add, [1], y, y, x) with { Precision = "int8" }]));
        builder.Steps.Add(builder.Step("last", add, [1], y, y, x));
        using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), PlanBuilder.Factor(10)));
        using InferRequest request = model.CreateRequest();
        request.Input<float>("x")[0] = 1;
        request.Input<bool>("c")[0] = true;
        request.Infer();
        Assert.That(request.Output<float>("y")[0], Is.EqualTo(11));
        Assert.That(request.Ran.Devices, Is.EquivalentTo(new Dictionary<string, int> { ["CPU"] = 2 }));
        request.Input<byte>("c")[0] = 0;
        request.Infer();
        Assert.That(request.Output<float>("y")[0], Is.EqualTo(4));
        Assert.That(request.Ran.Kernels["csharp"], Is.EqualTo(3));
        Assert.That(request.Ran.Precisions, Is.EquivalentTo(new Dictionary<string, int> { ["fp32"] = 2, ["int8"] = 1 }));
    }

    [Test]
    public void Infer_StepWithoutExtent_IsSkipped()
    {
        PlanBuilder builder = new();
        SizeExpression n = builder.Symbol("N", 0, 1, 0);
        builder.Steps.Add(builder.Step("fail", builder.Kernel(TestKernels.Fail), [n]));
        using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), []));
        using InferRequest request = model.CreateRequest();
        Assert.That(request.Infer, Throws.Nothing);
        Assert.That(request.Ran.Devices["CPU"], Is.Zero);
        using InferRequest other = model.CreateRequest(new Dictionary<string, long> { ["N"] = 1 });
        Assert.That(other.Infer, Throws.TypeOf<LatheException>());
    }

    [Test]
    public void Counters_WithProfiling_MeasureEveryStep()
    {
        using CompiledModel model = CompiledModel.Create(new TestModule(PlanBuilder.ScaleAdd(macs: 17), PlanBuilder.Factor(1)), new() { Profiling = true });
        using InferRequest request = model.CreateRequest();
        for (int i = 0; i < 3; i++) request.Infer();
        Assert.That(request.Counters.Select(counter => (counter.Node, counter.Count, counter.Macs)), Is.EqualTo(new[] { ("scale", 3, 17), ("add", 3, 17) }));
        foreach (StepCounter counter in request.Counters) Assert.That(counter.TotalMs, Is.GreaterThanOrEqualTo(3 * counter.MinMs));
        using InferRequest without = _model.CreateRequest();
        without.Infer();
        Assert.That(without.Counters, Is.Empty);
    }

    [Test]
    public void Dispose_Request_MakesItThrow()
    {
        InferRequest request = _model.CreateRequest();
        request.Dispose();
        request.Dispose();
        Assert.That(request.Infer, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => request.Input<float>("x"), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => request.Output<float>("y"), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => request.StartAsync(), Throws.TypeOf<ObjectDisposedException>());
    }
}
