using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests;

public sealed class CompiledModelTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("lathe").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void Info_OfAModel_SaysWhatItIs()
    {
        using CompiledModel model = Create(PlanBuilder.ScaleAdd(), new() { Threads = 1 });
        ModelInfo info = model.Info;
        Assert.That(info.Name, Is.EqualTo("test"));
        Assert.That(info.Inputs.Select(input => input.ToString()), Is.EqualTo(new[] { "x: float32[N]", "bias: float32[N]" }));
        Assert.That(info.Outputs[0].Dims[0].Value, Is.Null);
        Assert.That(info.Symbols, Is.EqualTo(new[] { new PlanSymbol("N", 1, 1 << 20, 5) }));
        Assert.That((info.ArenaBytes, info.WeightBytes, info.Threads), Is.EqualTo((20, 4, 1)));
        Assert.That(info.Warnings, Is.Empty);
        Assert.That(model.OptimalRequestCount, Is.EqualTo(Environment.ProcessorCount));
    }

    [Test]
    public void Create_WhatIsPrepared_IsComputedOnceAndOutlivesTheModel([Values(1, 2)] int threads)
    {
        byte[] weights = new byte[16];
        Buffer.BlockCopy((float[])[1, 2, 3, 4], 0, weights, 0, 16);
        // Work that is worth dividing.
        Plan plan = PlanBuilder.Prepared();
        plan = plan with { Preparation = [plan.Preparation[0] with { Macs = 1 << 30 }] };
        using CompiledModel model = CompiledModel.Create(new TestModule(plan, weights), new() { Threads = threads });
        Assert.That((model.Info.WeightBytes, model.Info.PreparedBytes), Is.EqualTo((16, 80)));
        using InferRequest request = model.CreateRequest(), rented = model.Rent();
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(request.InputBytes(0)).Fill(10);
        request.Infer();
        Assert.That(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(request.OutputBytes(0)).ToArray(), Is.EqualTo(new float[] { 12, 14, 16, 18 }));
        Assert.That(request.Ran.Devices["CPU"], Is.EqualTo(1), "loading is no inference");
        model.Dispose();
        Assert.That(() => request.Infer(), Throws.TypeOf<ObjectDisposedException>());
    }

    [TestCase(TestKernels.Fail, "reported error 7")]
    [TestCase(TestKernels.Throw, "thrown")]
    public void Create_PreparationThatFails_IsLathe0507(int function, string reason)
    {
        LatheException failure = Assert.Throws<LatheException>(() => CompiledModel.Create(new TestModule(PlanBuilder.Prepared(function), new byte[16])))!;
        Assert.That(failure.Id, Is.EqualTo("LATHE0507"));
        Assert.That(failure.Message, Does.Contain("loading the weights of node 'double'").And.Contain(reason));
    }

    [Test]
    public void Info_DimThatIsAFormula_IsShownWithItsPrecedence()
    {
        PlanBuilder builder = new();
        SizeExpression n = builder.Symbol("N", 1, 9, 1);
        SizeExpression formula = new([.. n.Instructions, new(SizeExpression.Code.Constant, 3), new(SizeExpression.Code.Add),
            new(SizeExpression.Code.Constant, 2), new(SizeExpression.Code.Divide), new(SizeExpression.Code.Constant, 7), new(SizeExpression.Code.Max)]);
        SizeExpression choice = new([.. n.Instructions, new(SizeExpression.Code.Constant, 3), new(SizeExpression.Code.Constant, 1), .. n.Instructions, new(SizeExpression.Code.Select)]);
        builder.Input("x", formula, PlanBuilder.Times(n, 4), choice);
        using CompiledModel model = Create(builder.Build());
        Assert.That(model.Info.Inputs[0].ToString(), Is.EqualTo("x: float32[max((N + 3) / 2, 7),N * 4,(N < 3 ? 1 : N)]"));
        Assert.That((choice.Evaluate([2]), choice.Evaluate([3])), Is.EqualTo((1, 3)));
    }

    [Test]
    public void Create_MoreThreadsThanProcessors_TakesThatManyAndWarns()
    {
        using CompiledModel model = Create(PlanBuilder.ScaleAdd(), new() { Threads = Environment.ProcessorCount + 1 });
        Assert.That(model.Info.Threads, Is.EqualTo(Environment.ProcessorCount));
        Assert.That(model.Info.Warnings, Has.Count.EqualTo(1));
        Assert.That(() => Create(PlanBuilder.ScaleAdd(), new() { Threads = 0 }), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Create_OtherVersion_IsLathe0502() =>
        AssertId("LATHE0502", () => CompiledModel.Create(new TestModule(PlanBuilder.ScaleAdd(), new byte[4], version: Plan.Version + 1)));

    [Test]
    public void Create_FunctionThatIsNotThere_IsLathe0503()
    {
        PlanBuilder builder = new();
        builder.Kernel(TestKernels.Count);
        AssertId("LATHE0503", () => Create(builder.Build()));
    }

    [Test]
    public void Isa_Demanded_IsUsed([Values] Isa isa)
    {
        Assume.That(isa.IsAvailable());
        using CompiledModel model = Create(PlanBuilder.ScaleAdd(), new() { Isa = isa });
        Assert.That(model.Info.Isa, Is.EqualTo(isa));
    }

    [Test]
    public void Isa_NotDemanded_IsTheBest()
    {
        using CompiledModel model = Create(PlanBuilder.ScaleAdd());
        Assert.That(model.Info.Isa, Is.EqualTo(Enum.GetValues<Isa>().Where(isa => isa.IsAvailable()).Max()));
    }

    [Test]
    public void Isa_NotCompiledIn_IsLathe0505()
    {
        Assume.That(Isa.Avx2.IsAvailable());
        AssertId("LATHE0505", () => Create(WithVariants([Isa.Vector128]), new() { Isa = Isa.Avx2 }));
        AssertId("LATHE0505", () => Create(WithVariants([Isa.Avx2]), new() { Isa = Isa.Vector128 }));
        AssertId("LATHE0505", () => Create(WithVariants([Isa.Vector128]), new() { Isa = (Isa)8 }));
    }

    [Test]
    public void Isa_OneKernelWithoutIt_RunsTheNextLowerAndCountsIt()
    {
        Assume.That(Isa.Avx2.IsAvailable());
        using CompiledModel model = Create(WithVariants([Isa.Vector128, Isa.Avx2], [Isa.Vector128]), new() { Isa = Isa.Avx2 });
        Assert.That(model.Info.Fallbacks.Select(fallback => fallback.Node), Is.EqualTo(new[] { "step_1" }));
        Assert.That(model.Info.Warnings, Has.Count.EqualTo(1));
        using InferRequest request = model.CreateRequest();
        Assert.That(request.Ran.Fallbacks, Is.Empty);
        request.Infer();
        Assert.That(request.Ran.Isa, Is.EqualTo("avx2"));
        Assert.That(request.Ran.Fallbacks.Select(fallback => fallback.Node), Is.EqualTo(new[] { "step_1" }));
        Assert.That(request.Ran.Fallbacks[0].Reason, Does.Contain("avx2").And.Contain("vector128"));
    }

    [Test]
    public void Isa_FromTheEnvironment_IsUsedUnlessDemandedOtherwise()
    {
        try
        {
            Environment.SetEnvironmentVariable("LATHE_ISA", "vector128");
            using (CompiledModel model = Create(PlanBuilder.ScaleAdd())) Assert.That(model.Info.Isa, Is.EqualTo(Isa.Vector128));
            Environment.SetEnvironmentVariable("LATHE_ISA", "avx1024");
            AssertId("LATHE0505", () => Create(PlanBuilder.ScaleAdd()));
            Create(PlanBuilder.ScaleAdd(), new() { Isa = Isa.Vector128 }).Dispose();
        }
        finally
        {
            Environment.SetEnvironmentVariable("LATHE_ISA", null);
        }
    }

    [Test]
    public void Weights_OfAnotherLength_AreLathe0504([Values(0, 3, 5)] int length) =>
        AssertId("LATHE0504", () => CompiledModel.Create(new TestModule(PlanBuilder.ScaleAdd(), new byte[length])));

    [Test]
    public void Weights_InAFile_AreMappedAligned()
    {
        string name = Path.GetFileName(_directory) + ".bin";
        string path = Path.Combine(AppContext.BaseDirectory, name);
        try
        {
            File.WriteAllBytes(path, PlanBuilder.Factor(4));
            using (CompiledModel model = CompiledModel.Create(new TestModule(PlanBuilder.ScaleAdd(), null, name))) Assert.That(Scaled(model), Is.EqualTo(4));
            File.WriteAllBytes(path, new byte[8]);
            AssertId("LATHE0504", () => CompiledModel.Create(new TestModule(PlanBuilder.ScaleAdd(), null, name)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void Weights_FileMissingOrElsewhere_IsLathe0504([Values("missing.bin", "../missing.bin", null)] string? name) =>
        AssertId("LATHE0504", () => CompiledModel.Create(new TestModule(PlanBuilder.ScaleAdd(), null, name)));

    [Test]
    public void Load_AKernelAssembly_GivesItsModel()
    {
        using CompiledModel model = CompiledModel.Load(SelfModule.Path);
        Assert.That(Scaled(model), Is.EqualTo(2));
    }

    [Test]
    public void Load_WhatIsNoKernelAssembly_IsLathe0501()
    {
        string text = Path.Combine(_directory, "text.dll");
        File.WriteAllText(text, "no assembly");
        AssertId("LATHE0501", () => CompiledModel.Load(text));
        AssertId("LATHE0501", () => CompiledModel.Load(Path.Combine(_directory, "missing.dll")));
        AssertId("LATHE0501", () => CompiledModel.Load(typeof(TestAttribute).Assembly.Location));
    }

    [Test]
    public void Load_Unloadable_IsUnloadedWhenNothingReferencesIt()
    {
        WeakReference context = LoadAndDispose();
        for (int i = 0; context.IsAlive && i < 20; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.That(context.IsAlive, Is.False);
    }

    [Test]
    public void Dispose_WithRequestsLeft_LetsThemThrowAndBeDisposed()
    {
        CompiledModel model = Create(PlanBuilder.ScaleAdd());
        InferRequest request = model.CreateRequest();
        model.Dispose();
        model.Dispose();
        Assert.That(request.Infer, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => request.InferAsync(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => model.CreateRequest(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => model.Rent(), Throws.TypeOf<ObjectDisposedException>());
        request.Dispose();
    }

    [Test]
    public void Rent_AfterDispose_GivesTheSameRequestAgain()
    {
        using CompiledModel model = Create(PlanBuilder.ScaleAdd());
        InferRequest first = model.Rent(), second = model.Rent();
        Assert.That(second, Is.Not.SameAs(first));
        first.Dispose();
        first.Dispose();
        Assert.That(() => first.Input<float>("x"), Throws.TypeOf<ObjectDisposedException>());
        InferRequest again = model.Rent();
        Assert.That(again, Is.SameAs(first));
        again.Input<float>("x").Fill(1);
        again.Infer();
        Assert.That(model.Rent(), Is.Not.SameAs(first));
    }

    private static CompiledModel Create(Plan plan, LatheOptions? options = null) =>
        CompiledModel.Create(new TestModule(plan, new byte[plan.WeightBytes]), options);

    private static void AssertId(string id, Action action) => Assert.That(() => action(), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo(id));

    private static float Scaled(CompiledModel model)
    {
        using InferRequest request = model.CreateRequest();
        request.Input<float>("x").Fill(1);
        request.Infer();
        return request.Output<float>("y")[0];
    }

    private static Plan WithVariants(params Isa[][] kernels)
    {
        PlanBuilder builder = new();
        int y = builder.Output("y", 4), x = builder.Input("x", 4);
        for (int i = 0; i < kernels.Length; i++) builder.Steps.Add(builder.Step($"step_{i}", builder.Kernel(TestKernels.Add, isas: kernels[i]), [4], y, x, x));
        return builder.Build();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference LoadAndDispose()
    {
        using CompiledModel model = CompiledModel.Load(SelfModule.Path, new() { Unloadable = true });
        Assert.That(Scaled(model), Is.EqualTo(2));
        return new(AssemblyLoadContext.All.Single(context => context.IsCollectible && context.Name == Path.GetFileName(SelfModule.Path)));
    }
}
