using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Text;
using Lathe.Kernels.Loops.Verification;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>What schedules and passes make is valid in its dialect, and its text reads back.</summary>
[Parallelizable(ParallelScope.Children)]
public sealed class VerificationTests
{
    private static IEnumerable<TestCaseData> All() =>
        from machine in Machine.All
        from c in ConvolutionTests.Cases.Concat(MapTests.Cases).Concat(ReductionTests.Cases).Concat(RowTests.Cases)
        select new TestCaseData(c, machine).SetArgDisplayNames(c.Name, machine.Isa.ToString());

    [TestCaseSource(nameof(All))]
    public void Compile_Case_IsValidAfterEveryPass(KernelCase @case, Machine machine)
    {
        Assert.That(Verifier.Verify(@case.Computation), Is.Empty);
        Assert.That(Parser.ParseComputation(Printer.Print(@case.Computation)), Is.EqualTo(@case.Computation));
        (Kernel kernel, _) = KernelCompiler.Lower(@case.Computation, machine);
        Verifier.ThrowIfAny(Verifier.VerifyScheduled(kernel), "lower");
        ReadsBack(kernel);
        foreach ((string name, Func<Kernel, Machine, Kernel> pass) in Pipeline.Passes)
        {
            kernel = pass(kernel, machine);
            Verifier.ThrowIfAny(Verifier.VerifyScheduled(kernel), name);
        }

        Verifier.ThrowIfAny(Verifier.VerifyFinal(kernel, machine.VectorBytes), "all passes");
        ReadsBack(kernel);
    }

    private static void ReadsBack(Kernel kernel)
    {
        string text = Printer.Print(kernel);
        Assert.That(Printer.Print(Parser.ParseKernel(text)), Is.EqualTo(text));
    }
}
