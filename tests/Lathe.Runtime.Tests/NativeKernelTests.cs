using System.Security.Cryptography;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests;

/// <summary>Machine code as kernels.</summary>
public sealed class NativeKernelTests
{
    // mov rax, [rdi]; mov dword [rax], 42f; xor eax, eax; ret; then int3 up to 32, and there: mov eax, 7; ret
    private static readonly byte[] Code =
    [
        0x48, 0x8B, 0x07, 0xC7, 0x00, 0x00, 0x00, 0x28, 0x42, 0x31, 0xC0, 0xC3, .. Enumerable.Repeat((byte)0xCC, 20), 0xB8, 0x07, 0x00, 0x00, 0x00, 0xC3,
    ];

    private static readonly string Hash = Convert.ToHexStringLower(SHA256.HashData(Code));

    [OneTimeSetUp]
    public void NeedsCode()
    {
        if (!CpuFeatures.CanRun(Isa.Avx2) || OperatingSystem.IsWindows()) Assert.Ignore("This machine runs no native kernels.");
    }

    [Test]
    public void NativeKernel_Runs_AndIsCounted()
    {
        using CompiledModel model = Create(Plan(0));
        using InferRequest request = model.CreateRequest();
        request.Infer();
        Assert.That(request.Output<float>(0)[0], Is.EqualTo(42));
        Assert.That((request.Ran.Kernels["native"], request.Ran.Kernels["csharp"]), Is.EqualTo((1, 0)));
        Assert.That(request.Ran.Fallbacks, Is.Empty);
        Assert.That((model.Info.Isa, model.Info.Warnings.Count), Is.EqualTo((Isa.Avx2, 0)));
    }

    [Test]
    public void NativeKernel_ThatReportsAnError_IsLathe0507()
    {
        using CompiledModel model = Create(Plan(32));
        using InferRequest request = model.CreateRequest();
        Assert.That(request.Infer, Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0507").And.Message.Contains("error 7"));
    }

    [Test]
    public void Kernel_WithoutANativeForm_RunsInCSharpAndSaysSo()
    {
        using CompiledModel model = Create(Plan(-1));
        using InferRequest request = model.CreateRequest();
        request.Infer();
        Assert.That((request.Ran.Kernels["native"], request.Ran.Kernels["csharp"]), Is.EqualTo((0, 1)));
        Assert.That(request.Ran.Fallbacks.Single().Reason, Does.Contain("no native form"));
        Assert.That(model.Info.Warnings, Has.Count.EqualTo(1));
    }

    [Test]
    public void Model_CompiledWithoutLibLLVM_RunsInCSharpAndSaysSo()
    {
        using CompiledModel model = Create(Plan(-1) with { NativeCode = [] });
        using InferRequest request = model.CreateRequest();
        request.Infer();
        Assert.That(request.Ran.Kernels["csharp"], Is.EqualTo(1));
        Assert.That(request.Ran.Fallbacks.Single().Reason, Does.Contain("libLLVM"));
        Assert.That(model.Info.Warnings.Single(), Does.Contain("libLLVM"));
    }

    [Test]
    public void Code_ThatIsNotWhatThePlanSays_IsLathe0503()
    {
        AssertCorrupt(() => Create(Plan(0), [.. Code[..^1], 0]));
        AssertCorrupt(() => Create(Plan(0), Code[..^1]));
        AssertCorrupt(() => Create(Plan(0), null));
    }

    [Test]
    public void Plan_ThatPointsOutsideOfTheCode_IsLathe0503()
    {
        AssertCorrupt(() => Create(Plan(Code.Length)));
        AssertCorrupt(() => Create(Plan(0) with { NativeCode = [new(Isa.Avx2, Code.Length, Hash, [Code.Length - 8])] }));
        AssertCorrupt(() => Create(Plan(0) with { NativeCode = [new(Isa.Avx2, Code.Length, Hash, []), new(Isa.Avx2, Code.Length, Hash, [])] }));
    }

    [Test]
    public void Plan_WithNativeCode_IsReadAsWritten()
    {
        Plan plan = Plan(32) with { NativeCode = [new(Isa.Avx2, 4096, Hash, [8, 1024])] }, read = PlanFormat.Read(PlanFormat.Write(plan));
        Assert.That((read.PrefersNative, read.Kernels[0].Variants[0].NativeEntry, read.NativeCode[0].Bytes, read.NativeCode[0].Hash), Is.EqualTo((true, 32, 4096, Hash)));
        Assert.That(read.NativeCode[0].Imports, Is.EqualTo(new[] { 8, 1024 }));
    }

    [Test]
    public void Features_AreThoseThatDotNetFinds()
    {
        // .NET is told by its own probe, unless somebody has switched something off.
        if (Isa.Avx512.IsAvailable()) Assert.That(CpuFeatures.CanRun(Isa.Avx512));
        if (Isa.Avx2.IsAvailable()) Assert.That(CpuFeatures.CanRun(Isa.Avx2));
        Assert.That(CpuFeatures.CanRun(Isa.Vector128), Is.False);
    }

    private static Plan Plan(int entry)
    {
        PlanBuilder builder = new();
        int y = builder.Output("y", 1), x = builder.Weights(0, 4);
        builder.Steps.Add(builder.Step("scale", builder.Kernel(TestKernels.Scale, 1, null, Isa.Avx2), [], y, x, x));
        Plan plan = builder.Build();
        return plan with
        {
            Kernels = [plan.Kernels[0] with { Variants = [plan.Kernels[0].Variants[0] with { NativeEntry = entry }] }],
            PrefersNative = true,
            NativeCode = [new(Isa.Avx2, Code.Length, Hash, [])],
        };
    }

    private static CompiledModel Create(Plan plan) => Create(plan, Code);

    private static CompiledModel Create(Plan plan, byte[]? code) => CompiledModel.Create(new TestModule(plan, new byte[4]) { NativeCode = code }, new() { Threads = 1 });

    private static void AssertCorrupt(TestDelegate create) => Assert.That(create, Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0503"));
}
