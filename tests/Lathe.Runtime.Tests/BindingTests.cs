using System.Buffers;
using System.Runtime.InteropServices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests;

[NonParallelizable]
public sealed class BindingTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private CompiledModel _model = null!;
    private InferRequest _request = null!;

    [SetUp]
    public void Create()
    {
        _model = CompiledModel.Create(new TestModule(PlanBuilder.ScaleAdd(), PlanBuilder.Factor(3)));
        _request = _model.CreateRequest();
    }

    [TearDown]
    public void Dispose()
    {
        TestKernels.Gate.Set();
        _request.Dispose();
        _model.Dispose();
    }

    [Test]
    public unsafe void BindOutput_CallersMemory_IsWrittenAndNothingBesideIt()
    {
        _request.Input<float>("x").Fill(1);
        _request.Infer();
        float[] mine = GC.AllocateArray<float>(7, pinned: true);
        mine.AsSpan().Fill(-1);
        fixed (float* pointer = &mine[1])
        {
            _request.BindOutput("y", (nint)pointer, 20);
            _request.Input<float>("x").Fill(2);
            _request.Infer();
            Assert.That(mine, Is.EqualTo(new float[] { -1, 6, 6, 6, 6, 6, -1 }));
            Assert.That(_request.Output<float>("y").ToArray(), Is.All.EqualTo(6f));
            _request.UnbindOutput("y");
            Assert.That(_request.Output<float>("y").ToArray(), Is.All.EqualTo(3f), "the request's own memory holds what it held before");
            _request.Infer();
            Assert.That(_request.Output<float>("y").ToArray(), Is.All.EqualTo(6f));
        }
    }

    [Test]
    public void Bind_Memory_IsPinnedAndUsed()
    {
        float[] x = [1, 2, 3, 4, 5], y = new float[8];
        _request.BindInput<float>("x", x);
        _request.BindOutput("y", y.AsMemory(2, 5));
        GC.Collect();
        _request.Infer();
        Assert.That(y, Is.EqualTo(new float[] { 0, 0, 3, 6, 9, 12, 15, 0 }));
        x[4] = 7;
        _request.Infer();
        Assert.That(y[6], Is.EqualTo(21));
    }

    [Test]
    public void Bind_MemoryOfAnotherLengthOrType_IsRefusedAndUnpinned()
    {
        foreach (int length in new[] { 0, 4, 6 })
        {
            Assert.That(() => _request.BindInput<float>("x", new float[length]), Throws.TypeOf<ArgumentException>().With.Message.Contain($"5 elements, the memory {length}"));
            Assert.That(() => _request.BindOutput<float>("y", new float[length]), Throws.TypeOf<ArgumentException>());
        }

        Assert.That(() => _request.BindInput<int>("x", new int[5]), Throws.TypeOf<ArgumentException>().With.Message.Contain("float32"));
        Assert.That(() => _request.BindOutput<int>("y", new int[5]), Throws.TypeOf<ArgumentException>());
        Assert.That(() => _request.BindInput<float>("z", new float[5]), Throws.TypeOf<ArgumentException>().With.Message.Contain("'bias'"));
        Assert.That(() => _request.BindOutput<float>("x", new float[5]), Throws.TypeOf<ArgumentException>().With.Message.Contain("'y'"));
        Assert.That(() => _request.BindInput("x", (IMemoryOwner<float>)null!), Throws.ArgumentNullException);
        using Owner misaligned = new(5, shift: 2);
        Assert.That(() => _request.BindInput<float>("x", misaligned.Memory), Throws.TypeOf<ArgumentException>().With.Message.Contain("aligned"));
        Assert.That(misaligned.Pins, Is.Zero);
    }

    [Test]
    public void BindOutput_WhatCannotBeBound_IsRefused()
    {
        Assert.That(() => _request.BindOutput("x", 64, 20), Throws.TypeOf<ArgumentException>());
        Assert.That(() => _request.BindOutput("y", 0, 20), Throws.TypeOf<ArgumentException>().With.Message.Contain("null"));
        Assert.That(() => _request.BindOutput("y", 66, 20), Throws.TypeOf<ArgumentException>().With.Message.Contain("aligned"));
        Assert.That(() => _request.BindOutput("y", 64, 19), Throws.TypeOf<ArgumentException>().With.Message.Contain("20 bytes, the memory 19"));
        Assert.That(() => _request.BindOutput("y", 64, -1), Throws.TypeOf<ArgumentException>());
        Assert.That(() => _request.UnbindOutput("x"), Throws.TypeOf<ArgumentException>());
    }

    [Test]
    public unsafe void Bind_MemoryThatIsWrittenToTwoTensors_IsRefused()
    {
        float[] mine = GC.AllocateArray<float>(20, pinned: true);
        fixed (float* p = mine)
        {
            nint at = (nint)p;
            _request.BindInput("x", at);
            _request.BindInput("bias", at + 8);
            foreach (nint y in new[] { at - 16, at, at + 24 })
                Assert.That(() => _request.BindOutput("y", y, 20), Throws.TypeOf<ArgumentException>().With.Message.Contain("also that of"));
            _request.BindOutput("y", at + 28, 48);
            Assert.That(() => _request.BindInput("x", at + 44), Throws.TypeOf<ArgumentException>().With.Message.Contain("'y'"));
            Assert.That(() => _request.BindInput("x", at + 48), Throws.Nothing, "the output has 20 bytes of what it was given");
        }

        // Not to the request's own memory either, even of what is bound elsewhere: it is used again after unbinding.
        _request.UnbindInput("x");
        fixed (float* own = _request.Input<float>("x"))
        {
            nint x = (nint)own;
            _request.BindInput<float>("x", new float[5]);
            Assert.That(() => _request.BindOutput("y", x, 20), Throws.TypeOf<ArgumentException>().With.Message.Contain("'x'"));
        }
    }

    [Test]
    public void Bind_TwoOutputs_InOneMemoryAreRefused()
    {
        PlanBuilder builder = new();
        builder.Output("a", 4);
        builder.Output("b", 4);
        using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), []));
        using InferRequest request = model.CreateRequest();
        float[] mine = new float[8];
        request.BindOutput("a", mine.AsMemory(0, 4));
        Assert.That(() => request.BindOutput("b", mine.AsMemory(3, 4)), Throws.TypeOf<ArgumentException>().With.Message.Contain("'a'"));
        Assert.That(() => request.BindOutput("b", mine.AsMemory(4, 4)), Throws.Nothing);
        Assert.That(() => request.BindOutput("a", mine.AsMemory(0, 4)), Throws.Nothing, "again");
    }

    [Test]
    public void Bind_Owner_IsDisposedWhenReplacedUnboundOrWithTheRequest()
    {
        Owner first = new(5), second = new(9), third = new(6), fourth = new(5);
        _request.BindInput("x", first);
        Assert.That(() => _request.BindInput("bias", first), Throws.TypeOf<ArgumentException>().With.Message.Contain("bound to 'x' already"));
        Assert.That(() => _request.BindInput("x", first), Throws.TypeOf<ArgumentException>());
        Assert.That(() => _request.BindOutput("y", first), Throws.TypeOf<ArgumentException>());
        Assert.That((first.Disposals, first.Pins), Is.EqualTo((0, 1)));
        _request.BindInput("x", second);
        Assert.That((first.Disposals, first.Pins), Is.EqualTo((1, 0)));
        _request.BindOutput("y", third);
        second.Memory.Span.Fill(2);
        _request.Infer();
        Assert.That(third.Memory.Span.ToArray(), Is.EqualTo(new float[] { 6, 6, 6, 6, 6, 0 }));
        _request.UnbindInput("x");
        Assert.That((second.Disposals, second.Pins), Is.EqualTo((1, 0)));
        _request.BindInput("bias", fourth);
        _request.Dispose();
        Assert.That((third.Disposals, third.Pins, fourth.Disposals, fourth.Pins), Is.EqualTo((1, 0, 1, 0)));
        Assert.That(() => _request.BindOutput("y", second), Throws.TypeOf<ObjectDisposedException>());
        Assert.That((second.Disposals, second.Pins), Is.EqualTo((1, 0)));
    }

    [Test]
    public void Bind_OwnerThatIsRefused_RemainsTheCallers()
    {
        using Owner owner = new(4);
        Assert.That(() => _request.BindInput("x", owner), Throws.TypeOf<ArgumentException>());
        Assert.That(() => _request.BindOutput("y", owner), Throws.TypeOf<ArgumentException>());
        Assert.That((owner.Disposals, owner.Pins), Is.EqualTo((0, 0)));
    }

    [Test]
    public void Bind_RentedRequest_IsUnboundWhenGivenBack()
    {
        Owner owner = new(5);
        float[] mine = new float[5];
        InferRequest rented = _model.Rent();
        rented.BindInput("x", owner);
        rented.BindOutput<float>("y", mine);
        rented.Dispose();
        Assert.That((owner.Disposals, owner.Pins), Is.EqualTo((1, 0)));
        using InferRequest again = _model.Rent();
        Assert.That(again, Is.SameAs(rented));
        again.Input<float>("x").Fill(1);
        again.Infer();
        Assert.That(mine, Is.All.Zero);
        Assert.That(again.Output<float>("y").ToArray(), Is.All.EqualTo(3f));
    }

    [Test]
    public void Bind_WhileAnInferenceRuns_IsRefusedAndTheBindingLastsToItsEnd()
    {
        PlanBuilder builder = new();
        int x = builder.Input("x", 1), y = builder.Output("y", 1), w = builder.Weights(0, 4);
        builder.Steps.Add(builder.Step("block", builder.Kernel(TestKernels.Block), [1]));
        builder.Steps.Add(builder.Step("add", builder.Kernel(TestKernels.Add), [1], y, x, w));
        using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), PlanBuilder.Factor(3)));
        InferRequest request = model.CreateRequest();
        Owner input = new(1), output = new(1), other = new(1);
        input.Memory.Span[0] = 4;
        request.BindInput("x", input);
        request.BindOutput("y", output);
        TestKernels.Gate.Reset();
        Task task = request.InferAsync().AsTask();
        Assert.That(TestKernels.Entered.Wait(Soon), Is.True);
        Assert.That(() => request.BindInput("x", 64), Throws.InvalidOperationException);
        Assert.That(() => request.BindInput("x", other), Throws.InvalidOperationException);
        Assert.That(() => request.BindInput<float>("x", new float[1]), Throws.InvalidOperationException);
        Assert.That(() => request.BindOutput("y", 64, 4), Throws.InvalidOperationException);
        Assert.That(() => request.BindOutput("y", other), Throws.InvalidOperationException);
        Assert.That(() => request.BindOutput<float>("y", new float[1]), Throws.InvalidOperationException);
        Assert.That(() => request.UnbindInput("x"), Throws.InvalidOperationException);
        Assert.That(() => request.UnbindOutput("y"), Throws.InvalidOperationException);
        request.Dispose();
        Assert.That((input.Disposals, output.Disposals, output.Pins), Is.EqualTo((0, 0, 1)), "disposal waits for the inference");
        TestKernels.Gate.Set();
        Assert.That(task.Wait(Soon), Is.True);
        Assert.That((input.Disposals, output.Disposals, output.Pins, other.Disposals), Is.EqualTo((1, 1, 0, 0)));
        Assert.That(output.Last[0], Is.EqualTo(7));
    }

    [Test]
    public void Dispose_OwnerThatThrows_IsTheInferencesFailureAndFreesTheRest()
    {
        PlanBuilder builder = new();
        builder.Input("x", 1);
        builder.Steps.Add(builder.Step("block", builder.Kernel(TestKernels.Block), [1]));
        using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), []));
        InferRequest request = model.CreateRequest();
        request.BindInput("x", new Owner(1) { Throws = true });
        TestKernels.Gate.Reset();
        Task task = request.InferAsync().AsTask();
        Assert.That(TestKernels.Entered.Wait(Soon), Is.True);
        request.Dispose();
        TestKernels.Gate.Set();
        Assert.That(async () => await task, Throws.InvalidOperationException.With.Message.EqualTo("thrown by the owner"));
        Assert.That(request.Infer, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void Bind_EveryInference_AllocatesNothing()
    {
        float[] a = [1, 2, 3, 4, 5], b = [5, 4, 3, 2, 1], y = new float[5];
        Assert.That(Allocations.Least(Run), Is.Zero);
        Assert.That(y, Is.EqualTo(new float[] { 15, 12, 9, 6, 3 }));

        void Run()
        {
            for (int i = 0; i < 1000; i++)
            {
                _request.BindInput<float>("x", i % 2 == 0 ? a : b);
                _request.BindOutput<float>("y", y);
                _request.Infer();
            }
        }
    }

    [Test]
    public unsafe void Scratch_ThatDependsOnStrides_GrowsWithThem()
    {
        // The sums of two rows as long as their stride, with all running sums in scratch memory.
        const int Stride = 1 << 20;
        PlanBuilder b = new();
        int x = b.Input("x", 2, 4), y = b.Output("y", 2);
        b.Steps.Add(b.Step("sums", b.Kernel(TestKernels.ScratchSum, scratchBytes: PlanBuilder.Times(PlanBuilder.Dim(1), 4)), [2, PlanBuilder.Dim(0)], y, x));
        Plan plan = b.Build();
        plan = plan with { Symbols = [new("stride", 1, long.MaxValue, 1, IsComputed: true)], Inputs = [plan.Inputs[0] with { Strides = [0, -1] }] };
        using CompiledModel model = CompiledModel.Create(new TestModule(plan, []));
        using InferRequest request = model.CreateRequest();
        nint memory = (nint)NativeMemory.AllocZeroed(2 * Stride * sizeof(float));
        ((float*)memory)[Stride] = 3;
        request.BindInput("x", memory, [Stride, 1]);
        request.Infer();
        Assert.That(request.Output<float>("y").ToArray(), Is.EqualTo(new[] { 0, 3 * 1.0001f }));
        request.UnbindInput("x");
        NativeMemory.Free((void*)memory);
    }

    [Test]
    public void Scratch_ThatDoesNotFit_LeavesTheInputInTheRequestsOwnMemory()
    {
        SizeExpression.Instruction[] most = [new(SizeExpression.Code.Dim, 1), new(SizeExpression.Code.Constant, -4), new(SizeExpression.Code.Add), new(SizeExpression.Code.Constant, 1L << 40),
            new(SizeExpression.Code.Multiply), new(SizeExpression.Code.Constant, 64), new(SizeExpression.Code.Max)];
        PlanBuilder b = new();
        int x = b.Input("x", 2, 4), y = b.Output("y", 2);
        b.Steps.Add(b.Step("sums", b.Kernel(TestKernels.ScratchSum, scratchBytes: new(most)), [2, PlanBuilder.Dim(0)], y, x));
        Plan plan = b.Build();
        plan = plan with { Symbols = [new("stride", 1, long.MaxValue, 1, IsComputed: true)], Inputs = [plan.Inputs[0] with { Strides = [0, -1] }] };
        using CompiledModel model = CompiledModel.Create(new TestModule(plan, []));
        using InferRequest request = model.CreateRequest();
        using Owner owner = new(2000);
        request.Input<float>("x")[4] = 3;
        Assert.That(() => request.BindInput("x", (IMemoryOwner<float>)owner, [1000, 1]), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(ErrorIds.DoesNotFit));
        Assert.That((owner.Pins, owner.Disposals), Is.EqualTo((0, 0)));
        request.Infer();
        Assert.That(request.Output<float>("y").ToArray(), Is.EqualTo(new[] { 0, 3 * 1.0001f }));
    }

    /// <summary>Memory that counts what is done with it.</summary>
    private sealed unsafe class Owner(int length, int shift = 0) : MemoryManager<float>, IMemoryOwner<float>
    {
        private byte* _block = (byte*)NativeMemory.AllocZeroed((nuint)(4 * length) + 16);

        public int Disposals { get; private set; }

        public int Pins { get; private set; }

        public bool Throws { get; init; }

        /// <summary>What it held when it was disposed.</summary>
        public float[] Last { get; private set; } = [];

        public override Memory<float> Memory => CreateMemory(length);

        public override Span<float> GetSpan() => new(_block + shift, length);

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            Pins++;
            return new(_block + shift, default, this);
        }

        public override void Unpin() => Pins--;

        protected override void Dispose(bool disposing)
        {
            if (Throws) throw new InvalidOperationException("thrown by the owner");
            Disposals++;
            Last = GetSpan().ToArray();
            NativeMemory.Free(_block);
            _block = null;
        }

        void IDisposable.Dispose() => Dispose(true);
    }
}
