using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime;
using Lathe.Tests;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>
/// The emitted source of one kernel for each family, as it was last accepted, so that a change of a schedule, a pass or the printer shows as a
/// difference to read. What is accepted also runs and computes the reference.
/// </summary>
public sealed class GoldenTests
{
    private const string Project = "Lathe.Kernels.Tests";

    private static readonly Dictionary<string, Computation> Kernels = new()
    {
        ["MatMul"] = Sample.MatMul([], 5, 12, 20, PackedLayouts.MatMulWeights()),
        ["Convolution"] = Sample.Convolution(1, 16, 16, 2, 3, 3, pad: 1),
        ["Depthwise"] = Sample.Depthwise(1, 16, 4, 5, 3, 2, 1),
        ["Pool"] = Sample.Pool(1, 16, 4, 5, 2, 2, 0, average: false),
        ["Reduction"] = Sample.Reduction(Row("x0", 3, 21), [1], (a, b) => new Binary(BinaryOp.Add, a, b), 0),
        ["Softmax"] = Sample.Softmax(Row("x0", 3, 21), 1),
        ["Map"] = Sample.Map(Row("y", 3, 21), [Row("x0", 3, 21), Row("x1", 21)], i => new Binary(BinaryOp.Max, new Binary(BinaryOp.Add, Row("x0", 3, 21).At(i), Row("x1", 21).At(i[1])), Const.Of(ElementType.Float32, 0))),
        ["Reorder"] = Sample.Map(new Tensor("y", ElementType.Float32, [1, 20, 3, 5], Layout.Blocked(4, 16, [1, 1], [1, 1])), [Row("x0", 1, 20, 3, 5)], i => Row("x0", 1, 20, 3, 5).At(i)),
    };

    /// <summary>AVX2: it has masks and two vectors to a block, and most machines run it.</summary>
    private static readonly Machine Machine = Machine.Avx2;

    private static IEnumerable<string> Names => Kernels.Keys;

    [TestCaseSource(nameof(Names))]
    public void Source_IsWhatWasAccepted(string name) => Snapshot.Check(Project, name, Compile(name).Emitted.Source);

    [TestCaseSource(nameof(Names))]
    public void Source_ComputesTheReference(string name)
    {
        if (EmittedKernels.Unsupported(Machine) is { } reason) Assert.Ignore(reason);
        (ScheduledKernel kernel, EmittedKernels emitted) = Compile(name);
        KernelCheck.Check(kernel, emitted, Kernels[name], []);
    }

    [Test]
    public void Snapshots_AreThoseOfKernels() => Assert.That(Snapshot.Names(Project), Is.EquivalentTo(Kernels.Keys));

    private static (ScheduledKernel Kernel, EmittedKernels Emitted) Compile(string name)
    {
        ScheduledKernel kernel = KernelCompiler.Compile(Kernels[name], Machine);
        return (kernel, new EmittedKernels(Machine, [kernel]));
    }

    private static Tensor Row(string name, params IndexExpr[] dims) => new(name, ElementType.Float32, dims, Layout.RowMajor(dims.Length));
}
