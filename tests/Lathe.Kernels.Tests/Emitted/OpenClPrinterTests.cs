using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;
using Lathe.Kernels.Targets.OpenCl;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>What OpenCL C looks like; needs no device.</summary>
public sealed class OpenClPrinterTests
{
    [Test]
    public void Program_HasKernels_AndOnlyTheFunctionsThatTheyCall()
    {
        string text = OpenClPrinter.Print(Machine.Avx512, [Negating("kernel", "x")]);
        Assert.That(text, Does.Contain($"void kernel{OpenClPrinter.KernelEnding}(__global const char* memory0, ulong offset0, __global char* memory1, ulong offset1, long from, long to, long slice, __global char* scratch, ulong scratch_bytes)"));
        Assert.That(text, Does.Contain("vload16(0, x)").And.Contain("FP_CONTRACT OFF").And.Not.Contain("MaskLoad").And.Not.Contain("fp64"));
        Assert.That(OpenClPrinter.Print(Machine.Avx2, [Negating("kernel", "x", 8)]), Does.Contain("vload8(0, x)"));
    }

    [TestCase("float4")]
    [TestCase("kernel")]
    [TestCase("vload16")]
    [TestCase("from")]
    [TestCase("as_int")]
    [TestCase("__local")]
    [TestCase("max")]
    public void Name_ThatMeansSomething_IsChanged(string name) =>
        Assert.That(OpenClPrinter.Print(Machine.Avx512, [Negating("negate", name)]), Does.Contain($"restrict {name}_, "));

    [Test]
    public void Doubles_AreAskedFor_WhereThereAreSome()
    {
        VectorType type = new(ElementType.Float64, 1);
        Kernel named = Negating("double", "doubled") with { Summary = "a double conv" };
        Kernel typed = new("negate", "", [new Parameter("x", ElementType.Float64, false), new Parameter("y", ElementType.Float64, true)], [], new Store("y", 0, new Unary(UnaryOp.Negate, new Load("x", 0, type))));
        Assert.That(OpenClPrinter.Print(Machine.Avx512, [named]), Does.Not.Contain("fp64"));
        Assert.That(OpenClPrinter.Print(Machine.Avx512, [typed]), Does.Contain("cl_khr_fp64"));
        // A function of floats that is left is computed in double.
        Assert.That(OpenClPrinter.Print(Machine.Avx512, [named with { Body = new Store("y", 0, new Unary(UnaryOp.Sin, new Load("doubled", 0, new VectorType(ElementType.Float32, 16)))) }]), Does.Contain("cl_khr_fp64"));
    }

    [Test]
    public void Text_OfAModel_StaysInItsComment()
    {
        string text = OpenClPrinter.Print(Machine.Avx512, [Negating("negate", "x") with { Summary = "one\\\r\n#error two" }]);
        Assert.That(text, Does.Contain("// one\n// #error two\n"));
    }

    [Test]
    public void Name_ThatIsNone_IsRefused() => Assert.That(() => OpenClPrinter.Print(Machine.Avx512, [Negating("negate", "x; y")]), Throws.ArgumentException);

    [Test]
    public void ErrorCode_HasNobodyToGoTo() => Assert.That(
        () => OpenClPrinter.Print(Machine.Avx512, [Negating("negate", "x") with { Body = new Fail(3) }]), Throws.TypeOf<NotSupportedException>());

    private static Kernel Negating(string name, string input, int lanes = 16)
    {
        VectorType type = new(ElementType.Float32, lanes);
        return new Kernel(name, "y = -x", [new Parameter(input, ElementType.Float32, false), new Parameter("y", ElementType.Float32, true)], [], new Store("y", 0, new Unary(UnaryOp.Negate, new Load(input, 0, type))));
    }
}
