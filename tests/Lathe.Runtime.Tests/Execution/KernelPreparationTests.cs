using Lathe.Runtime.Execution;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests.Execution;

public sealed unsafe class KernelPreparationTests
{
    [Test]
    public void Methods_AreThoseOfKernelsThatStepsRun_WithTheirParts()
    {
        // kernel_2 is in the assembly and in the plan, but no step runs it; kernel_1 runs in a branch.
        PlanBuilder b = new();
        SizeExpression n = b.Symbol("N", 1, 8, 4);
        int condition = b.Input("c", ElementType.Bool, 1), x = b.Input("x", n), y = b.Output("y", n);
        int first = b.Kernel(0), second = b.Kernel(1);
        b.Kernel(2);
        b.Steps.Add(b.Step("first", first, [n], y, x));
        b.Steps.Add(new IfStep("if", "If", condition, [], [b.Step("second", second, [n], y, x)]));
        ModelCode code = ModelCode.Choose(new Module(b.Build()), b.Build(), null);
        Assert.That(
            KernelPreparation.MethodsOf(code).Select(method => method.Name),
            Is.EquivalentTo(new[] { nameof(Kernels.kernel_0), nameof(Kernels.kernel_0_Part1), nameof(Kernels.kernel_0_Part2), nameof(Kernels.kernel_1) }));
    }

    [Test]
    public void Methods_OfAModuleThatDoesNotSayWhereTheyAre_AreNone()
    {
        Plan plan = PlanBuilder.ScaleAdd();
        Assert.That(KernelPreparation.MethodsOf(ModelCode.Choose(new TestModule(plan), plan, null)), Is.Empty);
    }

    [Test]
    public void Preparation_GoesOnBehindWhatCannotBeCompiled()
    {
        // kernel_0_Part2 is generic, which nothing can compile without type arguments; what the last are begins.
        Plan plan = Plan();
        KernelPreparation? preparation = KernelPreparation.Start(ModelCode.Choose(new Module(plan), plan, null), processors: 4);
        preparation!.Wait();
        Assert.That(preparation.Compiled, Is.EqualTo(2), "kernel_0 and kernel_0_Part1");
    }

    [Test]
    public void Preparation_WithoutAnotherProcessor_IsNone()
    {
        Plan plan = Plan();
        Assert.That(KernelPreparation.Start(ModelCode.Choose(new Module(plan), plan, null), processors: 1), Is.Null);
    }

    [Test]
    public void Preparation_ThatIsStopped_Ends()
    {
        // It is stopped while it asks where the kernels are: none is compiled any more.
        Plan plan = Plan();
        using ManualResetEventSlim isStopped = new();
        KernelPreparation? preparation = KernelPreparation.Start(ModelCode.Choose(new Module(plan, isStopped.Wait), plan, null), processors: 2);
        preparation!.Stop();
        isStopped.Set();
        preparation.Wait();
        Assert.That(preparation.Compiled, Is.Zero);
    }

    [Test]
    public void Preparation_OfAModuleThatFails_IsNone()
    {
        Plan plan = Plan();
        KernelPreparation? preparation = KernelPreparation.Start(ModelCode.Choose(new Module(plan, () => throw new TypeLoadException()), plan, null), processors: 2);
        preparation!.Wait();
        Assert.That(preparation.Compiled, Is.Zero);
    }

    [Test]
    public void Model_IsDisposedWhileItsKernelsArePrepared()
    {
        for (int i = 0; i < 50; i++)
        {
            using CompiledModel model = CompiledModel.Load(SelfModule.Path, new LatheOptions { Unloadable = true });
            if (i % 2 == 0) continue;
            using InferRequest request = model.CreateRequest();
            request.Infer();
        }
    }

    private static Plan Plan()
    {
        PlanBuilder b = new();
        SizeExpression n = b.Symbol("N", 1, 8, 4);
        int x = b.Input("x", n), y = b.Output("y", n);
        b.Steps.Add(b.Step("first", b.Kernel(0), [n], y, x));
        return b.Build();
    }

    private sealed class Module(Plan plan, Action? asked = null) : CompiledModule
    {
        public override int Version => Lathe.Runtime.Plans.Plan.Version;

        public override string? WeightsFile => null;

        public override Stream OpenPlan() => new MemoryStream(PlanFormat.Write(plan));

        public override Stream? OpenWeights() => null;

        public override nint GetFunction(int index) => index switch
        {
            0 => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&Kernels.kernel_0,
            1 => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&Kernels.kernel_1,
            _ => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&Kernels.kernel_2,
        };

        public override Type? GetFunctionType(int index)
        {
            asked?.Invoke();
            return typeof(Kernels);
        }
    }

    private static class Kernels
    {
#pragma warning disable IDE1006, CA1707, IDE0060 // The names and parameters of emitted kernels.
        public static int kernel_0(byte** buffers, nint* dims, nint from, nint to, byte* scratch)
        {
            kernel_0_Part1(scratch);
            kernel_0_Part2<int>(scratch);
            return 0;
        }

        public static void kernel_0_Part1(byte* scratch)
        {
        }

        public static void kernel_0_Part2<T>(byte* scratch)
        {
        }

        public static int kernel_1(byte** buffers, nint* dims, nint from, nint to, byte* scratch) => 0;

        public static int kernel_2(byte** buffers, nint* dims, nint from, nint to, byte* scratch) => 0;
#pragma warning restore IDE1006, CA1707, IDE0060
    }
}
