using System.Collections.Concurrent;
using Lathe.Kernels.Llvm;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>A computation under test with values for its dims.</summary>
public sealed record KernelCase(string Name, Computation Computation, params long[] Dims)
{
    /// <summary>How far sums in another order and polynomials may be off.</summary>
    public double Tolerance { get; init; } = 2e-5;

    /// <summary>Makes the inputs' values; by default small numbers.</summary>
    public Func<Random, double>? Value { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>Runs all cases of a family on all machines; a family's kernels for one machine are compiled together.</summary>
[Parallelizable(ParallelScope.Children)]
public abstract class KernelCaseTests<T>
    where T : ICaseSource
{
    private static readonly ConcurrentDictionary<Isa, Lazy<(EmittedKernels Emitted, Dictionary<string, ScheduledKernel> Kernels)>> Compiled = new();
    private static readonly ConcurrentDictionary<Isa, Lazy<(OpenClKernels OpenCl, Dictionary<string, ScheduledKernel> Kernels)>> OpenCl = new();
    private static readonly ConcurrentDictionary<Isa, Lazy<(NativeKernels Native, Dictionary<string, ScheduledKernel> Kernels)>> Natives = new();

    /// <summary>Every case on every machine.</summary>
    public static IEnumerable<TestCaseData> All =>
        from machine in Machine.All
        from test in T.Cases
        select new TestCaseData(machine.Isa, test.Name).SetArgDisplayNames(machine.Isa.ToString(), test.Name);

    /// <summary>Every case on every machine that has native kernels.</summary>
    public static IEnumerable<TestCaseData> AllNative => All.Where(test => CpuLevel.Of((Isa)test.Arguments[0]!) is not null);

    /// <summary>The chosen cases with the vectors that OpenCL C is printed with.</summary>
    public static IEnumerable<TestCaseData> AllOpenCl =>
        from isa in (Isa[])[Isa.Avx512, Isa.Avx2]
        from test in Chosen(isa)
        select new TestCaseData(isa, test.Name).SetArgDisplayNames(isa.ToString(), test.Name);

    /// <summary>The emitted code gives what the interpreter gives, and that what the computation says.</summary>
    [TestCaseSource(nameof(All))]
    public void Kernel_OfCase_ComputesTheReference(Isa isa, string name)
    {
        Machine machine = Machine.Of(isa);
        if (EmittedKernels.Unsupported(machine) is { } reason) Assert.Ignore(reason);
        KernelCase test = T.Cases.Single(c => c.Name == name);
        (EmittedKernels emitted, Dictionary<string, ScheduledKernel> kernels) = Compiled.GetOrAdd(isa, _ => new(() => Compile(machine, k => new EmittedKernels(machine, k)))).Value;
        KernelCheck.Check(kernels[name], emitted, kernels[name].Kernel.Name is { } k ? test.Computation with { Name = k } : test.Computation, test.Dims, test.Tolerance, test.Value);
    }

    /// <summary>The machine code gives what the interpreter gives.</summary>
    [TestCaseSource(nameof(AllNative))]
    public void NativeKernel_OfCase_ComputesWhatTheInterpreterDoes(Isa isa, string name)
    {
        Machine machine = Machine.Of(isa);
        if (NativeKernels.Unsupported(machine) is { } reason) Assert.Ignore(reason);
        KernelCase test = T.Cases.Single(c => c.Name == name);
        (NativeKernels native, Dictionary<string, ScheduledKernel> kernels) = Natives.GetOrAdd(isa, _ => new(() => Compile(machine, k => new NativeKernels(machine, k)))).Value;
        KernelCheck.CheckRun(kernels[name], native, test.Computation, test.Dims, test.Value);
    }

    /// <summary>The kernel on an OpenCL device gives what the interpreter gives.</summary>
    [TestCaseSource(nameof(AllOpenCl))]
    public void OpenClKernel_OfCase_ComputesWhatTheInterpreterDoes(Isa isa, string name)
    {
        if (OpenClKernels.Unsupported is { } reason) Assert.Ignore(reason);
        KernelCase test = T.Cases.Single(c => c.Name == name);
        (OpenClKernels openCl, Dictionary<string, ScheduledKernel> kernels) = OpenCl.GetOrAdd(isa, _ => new(() => Compile(Machine.Of(isa), k => new OpenClKernels(Machine.Of(isa), k), Chosen(isa)))).Value;
        lock (openCl) KernelCheck.CheckRun(kernels[name], openCl, test.Computation, test.Dims, test.Value, doubleTolerance: 1e-15);
    }

    /// <summary>
    /// PoCL takes a second or more for a kernel: of each family every fifth case with the vectors of AVX-512, and every twentieth with those of AVX2, from one that differs by family, so that
    /// neighbours, which are alike, take turns. All of them with <c>LATHE_ALL_OPENCL_CASES=1 dotnet test tests/Lathe.Kernels.Tests --filter OpenClKernel_OfCase</c>.
    /// </summary>
    private static IReadOnlyList<KernelCase> Chosen(Isa isa)
    {
        if (Environment.GetEnvironmentVariable("LATHE_ALL_OPENCL_CASES") == "1") return T.Cases;
        int each = isa == Isa.Avx512 ? 5 : 20;
        return [.. T.Cases.Where((_, i) => i % each == typeof(T).Name.Length % each)];
    }

    private static (TKernels, Dictionary<string, ScheduledKernel>) Compile<TKernels>(Machine machine, Func<IReadOnlyList<ScheduledKernel>, TKernels> compile, IReadOnlyList<KernelCase>? cases = null)
    {
        Dictionary<string, ScheduledKernel> kernels = [];
        int number = 0;
        foreach (KernelCase test in cases ?? T.Cases) kernels[test.Name] = KernelCompiler.Compile(test.Computation with { Name = $"kernel{number++}" }, machine);
        return (compile([.. kernels.Values]), kernels);
    }
}

/// <summary>Gives the cases of a family.</summary>
public interface ICaseSource
{
    /// <summary>The cases; names are distinct.</summary>
    static abstract IReadOnlyList<KernelCase> Cases { get; }
}
