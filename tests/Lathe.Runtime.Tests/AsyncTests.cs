using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests;

[NonParallelizable]
public sealed class AsyncTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [TearDown]
    public void OpenGate() => TestKernels.Gate.Set();

    [Test]
    public async Task InferAsync_GivesTheResult()
    {
        using CompiledModel model = ScaleAdd();
        using InferRequest request = model.CreateRequest();
        request.Input<float>("x").Fill(2);
        await request.InferAsync();
        Assert.That(request.Output<float>("y")[0], Is.EqualTo(6));
    }

    [Test]
    public void StartAsync_ThenWait_GivesTheResult()
    {
        using CompiledModel model = ScaleAdd();
        using InferRequest request = model.CreateRequest();
        Assert.That(() => request.Wait(TimeSpan.Zero), Throws.InvalidOperationException);
        for (int i = 1; i < 100; i++)
        {
            request.Input<float>("x").Fill(i);
            request.StartAsync();
            Assert.That(request.Wait(Soon), Is.True);
            Assert.That(request.Output<float>("y")[0], Is.EqualTo(3 * i));
        }

        Assert.That(() => request.Wait(TimeSpan.FromDays(-1)), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Wait_NotLongEnough_IsFalseAndCanBeRepeated()
    {
        using CompiledModel model = Blocking();
        using InferRequest request = model.CreateRequest();
        StartBlocked(() => request.StartAsync());
        Assert.That(request.Wait(TimeSpan.FromMilliseconds(1)), Is.False);
        TestKernels.Gate.Set();
        request.Wait();
        Assert.That(request.Output<float>("y")[0], Is.EqualTo(3));
    }

    [Test]
    public void EveryCall_WhileAnInferenceRuns_IsRefusedAndLosesNothing()
    {
        using CompiledModel model = Blocking();
        using InferRequest request = model.CreateRequest();
        ValueTask task = default;
        StartBlocked(() => task = request.InferAsync());
        Assert.That(request.Infer, Throws.InvalidOperationException);
        Assert.That(() => request.InferAsync(), Throws.InvalidOperationException);
        Assert.That(() => request.StartAsync(), Throws.InvalidOperationException);
        Assert.That(() => request.Input<float>("x"), Throws.InvalidOperationException);
        Assert.That(() => request.Output<float>("y"), Throws.InvalidOperationException);
        Assert.That(() => request.BindInput("x", 64), Throws.InvalidOperationException);
        Assert.That(() => request.Ran, Throws.InvalidOperationException);
        TestKernels.Gate.Set();
        Await(task);
        Assert.That(request.Output<float>("y")[0], Is.EqualTo(3));
    }

    [Test]
    public void InferAsync_CancelledBetweenSteps_StopsAndTheRequestGoesOn()
    {
        using CompiledModel model = Blocking();
        using InferRequest request = model.CreateRequest();
        using CancellationTokenSource source = new();
        ValueTask task = default;
        StartBlocked(() => task = request.InferAsync(source.Token));
        source.Cancel();
        TestKernels.Gate.Set();
        Assert.That(() => Await(task), Throws.InstanceOf<OperationCanceledException>().With.Property("CancellationToken").EqualTo(source.Token));
        Assert.That(request.Output<float>("y")[0], Is.Zero, "the step after the cancellation has not run");
        Assert.That(() => Await(request.InferAsync(source.Token)), Throws.InstanceOf<OperationCanceledException>());
        Await(request.InferAsync());
        Assert.That(request.Output<float>("y")[0], Is.EqualTo(3));
    }

    [Test]
    public void StartAsync_Cancelled_ThrowsFromWait()
    {
        using CompiledModel model = ScaleAdd();
        using InferRequest request = model.CreateRequest();
        request.StartAsync(new CancellationToken(canceled: true));
        Assert.That(() => request.Wait(), Throws.InstanceOf<OperationCanceledException>());
        request.StartAsync();
        Assert.That(() => request.Wait(), Throws.Nothing);
    }

    [Test]
    public void InferAsync_KernelThatReportsAnError_ThrowsWhenAwaited()
    {
        PlanBuilder builder = new();
        builder.Steps.Add(builder.Step("node", builder.Kernel(TestKernels.Fail), [1]));
        using CompiledModel model = CompiledModel.Create(new TestModule(builder.Build(), []));
        using InferRequest request = model.CreateRequest();
        for (int i = 0; i < 3; i++) Assert.That(() => Await(request.InferAsync()), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0507"));
    }

    [Test]
    public void InferAsync_AwaitedTwice_IsRefused()
    {
        using CompiledModel model = ScaleAdd();
        using InferRequest request = model.CreateRequest();
        ValueTask first = request.InferAsync();
        Await(first);
        Await(request.InferAsync());
        Assert.That(() => first.GetAwaiter().GetResult(), Throws.InvalidOperationException);
    }

    [Test]
    public void Dispose_WhileAnInferenceRuns_LetsItFinish()
    {
        using CompiledModel model = Blocking();
        InferRequest request = model.CreateRequest();
        ValueTask task = default;
        StartBlocked(() => task = request.InferAsync());
        request.Dispose();
        model.Dispose();
        TestKernels.Gate.Set();
        Assert.That(() => Await(task), Throws.Nothing);
        Assert.That(() => request.Output<float>("y"), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void Dispose_OfARentedRequestThatRuns_GivesItBackAfterwards()
    {
        using CompiledModel model = Blocking();
        InferRequest request = model.Rent();
        ValueTask task = default;
        StartBlocked(() => task = request.InferAsync());
        request.Dispose();
        using (InferRequest other = model.Rent()) Assert.That(other, Is.Not.SameAs(request), "it is not given out while it runs");
        TestKernels.Gate.Set();
        Await(task);
    }

    [Test]
    public void InferAsync_Repeated_AllocatesNothing()
    {
        using CompiledModel model = ScaleAdd();
        using InferRequest request = model.CreateRequest();

        // What the loop itself costs is there once, not for each of its rounds.
        const int Count = 2000;
        Assert.That(Allocations.Least(() => RunAsync(request, Count).Wait()) / Count, Is.Zero);
    }

    [Test]
    public void ManyRequestsOfManyThreads_AllGiveTheirResults()
    {
        using CompiledModel model = ScaleAdd();
        Task[] tasks = [.. Enumerable.Range(1, 16).Select(number => Task.Run(async () =>
        {
            for (int i = 0; i < 500; i++)
            {
                using InferRequest request = model.Rent();
                float x = (number * 1000) + i;
                request.Input<float>("x").Fill(x);
                request.Input<float>("bias").Fill(i);
                if (i % 3 == 0) request.Infer();
                else if (i % 3 == 1) await request.InferAsync();
                else
                {
                    request.StartAsync();
                    request.Wait();
                }

                Assert.That(request.Output<float>("y").ToArray(), Is.All.EqualTo((3 * x) + i));
            }
        }))];
        Assert.That(Task.WaitAll(tasks, Soon), Is.True);
    }

    private static async Task RunAsync(InferRequest request, int count)
    {
        for (int i = 0; i < count; i++) await request.InferAsync().ConfigureAwait(false);
    }

    private static CompiledModel ScaleAdd() => CompiledModel.Create(new TestModule(PlanBuilder.ScaleAdd(), PlanBuilder.Factor(3)));

    /// <summary>A step that waits for the gate, then y = 3 (the input's initial 0 + 3 weights).</summary>
    private static CompiledModel Blocking()
    {
        PlanBuilder builder = new();
        int x = builder.Input("x", 1), y = builder.Output("y", 1), w = builder.Weights(0, 4);
        builder.Steps.Add(builder.Step("block", builder.Kernel(TestKernels.Block), [1]));
        builder.Steps.Add(builder.Step("add", builder.Kernel(TestKernels.Add), [1], y, x, w));
        return CompiledModel.Create(new TestModule(builder.Build(), PlanBuilder.Factor(3)));
    }

    private static void StartBlocked(Action start)
    {
        TestKernels.Gate.Reset();
        start();
        Assert.That(TestKernels.Entered.Wait(Soon), Is.True);
    }

    private static void Await(ValueTask task) => task.AsTask().GetAwaiter().GetResult();
}
